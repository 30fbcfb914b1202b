// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// A connection that dies without a word is found out before the Lease is lost, and what the environment says is kept.
func TestConnectionChecks(t *testing.T) {
	for _, c := range connectionChecks {
		t.Setenv(c.name, "")
	}
	t.Setenv(connectionChecks[0].name, "7")
	if err := checkConnections(); err != nil {
		t.Fatal(err)
	}
	if got := os.Getenv(connectionChecks[0].name); got != "7" {
		t.Errorf("%s is %s, want 7 as before", connectionChecks[0].name, got)
	}
	var total time.Duration
	for _, c := range connectionChecks {
		d, err := time.ParseDuration(c.seconds + "s")
		if err != nil {
			t.Fatal(err)
		}
		total += d
	}
	if total >= 10*time.Second {
		t.Errorf("a dead connection is given up after %s, want less than the 10 s after which the Lease is", total)
	}
}

// TestDeadConnectionIsGivenUp: a request on a connection on which nothing arrives any more fails, and the next one has
// a new connection.
func TestDeadConnectionIsGivenUp(t *testing.T) {
	for _, c := range connectionChecks {
		t.Setenv(c.name, "1")
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	relay := newRelay(t, server.Listener.Addr().String())
	config := &rest.Config{Host: "https://" + relay.Addr().String(), TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	ask := func() (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.Host, nil)
		if err != nil {
			return "", err
		}
		response, err := client.Do(request)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return string(body), err
	}

	if proto, err := ask(); err != nil || proto != "HTTP/2.0" {
		t.Fatalf("got %q, %v, want HTTP/2.0", proto, err)
	}
	relay.freeze()
	began := time.Now()
	// net/http may ask once more by itself, on the new connection.
	if proto, err := ask(); err != nil && !strings.Contains(err.Error(), "connection lost") {
		t.Errorf("got %q, %v, want the answer on another connection, or that this one is lost", proto, err)
	}
	if took := time.Since(began); took < time.Second || took > 10*time.Second {
		t.Errorf("given up after %s, want about 2 s", took)
	}
	if proto, err := ask(); err != nil || proto != "HTTP/2.0" {
		t.Errorf("afterwards got %q, %v, want HTTP/2.0", proto, err)
	}
}

// relay passes bytes on, until it is frozen: then those that come on connections of before are lost, and nobody is told.
type relay struct {
	net.Listener

	mu     sync.Mutex
	frozen chan struct{} // closed for the connections of now
}

func newRelay(t *testing.T, to string) *relay {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: listener, frozen: make(chan struct{})}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			t.Cleanup(func() { in.Close(); out.Close() })
			r.mu.Lock()
			frozen := r.frozen
			r.mu.Unlock()
			go pass(in, out, frozen)
			go pass(out, in, frozen)
		}
	}()
	return r
}

func (r *relay) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.frozen)
	r.frozen = make(chan struct{})
}

func pass(from, to net.Conn, frozen <-chan struct{}) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		select {
		case <-frozen:
			continue
		default:
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
