// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// openGuard lets tests use real sockets on loopback.
func openGuard(p *Prober) *Prober {
	p.guard = func(netip.Addr) (string, bool) { return "", true }
	return p
}

func loopback(addr net.Addr, change func(*Target)) Target {
	at := addr.(*net.TCPAddr).AddrPort()
	return target(func(t *Target) {
		t.Host, t.Port, t.Hostname = at.Addr().String(), at.Port(), "example.com"
		if change != nil {
			change(t)
		}
	})
}

func only(t *testing.T, r Result) Answer {
	t.Helper()
	if len(r.Addresses) != 1 {
		t.Fatalf("result %+v, want one address", r)
	}
	return r.Addresses[0].Answer
}

func TestHTTPOverSockets(t *testing.T) {
	var redirected atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/redirected":
			redirected.Store(true)
		case r.URL.Path == "/redirect":
			http.Redirect(w, r, "/redirected", http.StatusFound)
		case r.Host != "example.com" || r.UserAgent() != "breakwater" || !r.Close || r.Header.Get("Accept-Encoding") != "":
			http.Error(w, fmt.Sprintf("%+v", r), http.StatusTeapot)
		case r.URL.Path == "/limited":
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTooManyRequests)
		case r.URL.Path == "/large":
			io.WriteString(w, strings.Repeat("x", 10<<20))
		}
	}))
	defer server.Close()
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")
	t.Setenv("ALL_PROXY", "http://192.0.2.1:1")
	prober := openGuard(New(nil, Options{}))
	for path, want := range map[string]Answer{
		"/health":   {Status: 200},
		"/limited":  {Status: 429, RetryAfter: "7"},
		"/redirect": {Status: 302},
		"/large":    {Status: 200},
	} {
		got := only(t, prober.Probe(t.Context(), loopback(server.Listener.Addr(), func(t *Target) { t.Path = path })))
		if got.Status != want.Status || got.RetryAfter != want.RetryAfter || got.Err != None || got.Latency <= 0 {
			t.Errorf("%s: %+v, want %+v", path, got, want)
		}
	}
	if redirected.Load() {
		t.Error("a redirect was followed")
	}
}

func TestTLSOverSockets(t *testing.T) {
	start := func(config *tls.Config) *httptest.Server {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.TLS.ServerName != "example.com" || r.TLS.NegotiatedProtocol != "http/1.1" {
				w.WriteHeader(http.StatusTeapot)
			}
		}))
		server.TLS = config
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.StartTLS()
		t.Cleanup(server.Close)
		return server
	}
	server := start(&tls.Config{NextProtos: []string{"h2", "http/1.1"}})
	old := start(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	picky := start(&tls.Config{ClientAuth: tls.RequireAnyClientCert})
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()

	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	for name, tc := range map[string]struct {
		server *httptest.Server
		change func(*Target)
		roots  *x509.CertPool
		want   Answer
	}{
		"valid":                     {server, nil, trusted, Answer{Status: 200}},
		"unknown authority":         {server, nil, x509.NewCertPool(), Answer{Err: TLS}},
		"another name":              {server, func(t *Target) { t.Hostname = "chat.apps.svc" }, trusted, Answer{Err: TLS}},
		"TLS 1.1":                   {old, nil, trusted, Answer{Err: TLS}},
		"wants a certificate":       {picky, nil, trusted, Answer{Err: TLS}},
		"plain HTTP":                {plain, nil, trusted, Answer{Err: TLS}},
		"TCP, whatever certificate": {server, func(t *Target) { t.Type = TCP }, x509.NewCertPool(), Answer{}},
	} {
		t.Run(name, func(t *testing.T) {
			prober := openGuard(New(nil, Options{RootCAs: tc.roots}))
			got := only(t, prober.Probe(t.Context(), loopback(tc.server.Listener.Addr(), func(target *Target) {
				target.Scheme = "https"
				if tc.change != nil {
					tc.change(target)
				}
			})))
			if got.Status != tc.want.Status || got.Err != tc.want.Err {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
		})
	}
}

// script accepts connections one after the other and lets serve end each.
func script(t *testing.T, serve func(*net.TCPConn)) net.Addr {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn.(*net.TCPConn))
		}
	}()
	return listener.Addr()
}

func TestTransportErrorsOverSockets(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, tc := range map[string]struct {
		addr net.Addr
		kind Type
		want ErrorClass
	}{
		"refused, HTTP": {closed.Addr(), HTTP, ConnectionRefused},
		"refused, TCP":  {closed.Addr(), TCP, ConnectionRefused},
		"reset after the request": {script(t, func(c *net.TCPConn) {
			readRequest(c)
			_ = c.SetLinger(0)
			c.Close()
		}), HTTP, ConnectionReset},
		"closed after the request": {script(t, func(c *net.TCPConn) { readRequest(c); c.Close() }), HTTP, ConnectionReset},
		"connected":                {script(t, func(c *net.TCPConn) { c.Close() }), TCP, None},
	} {
		t.Run(name, func(t *testing.T) {
			got := only(t, openGuard(New(nil, Options{})).Probe(t.Context(), loopback(tc.addr, func(t *Target) { t.Type = tc.kind })))
			if got.Err != tc.want {
				t.Errorf("%+v, want %s", got, tc.want)
			}
		})
	}
}

// A probe that gives up resets the connection: the kernel keeps no half-closed socket for it.
func TestAbandonedConnectionIsReset(t *testing.T) {
	ended := make(chan error, 1)
	addr := script(t, func(c *net.TCPConn) {
		defer c.Close()
		readRequest(c)
		_, err := c.Read(make([]byte, 1))
		ended <- err
	})
	got := only(t, openGuard(New(nil, Options{})).Probe(t.Context(), loopback(addr, func(t *Target) { t.Timeout = 50 * time.Millisecond })))
	if got.Err != Timeout {
		t.Errorf("%+v, want Timeout", got)
	}
	if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server saw %v, want a reset", err)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	hanging := script(t, func(c *net.TCPConn) { t.Cleanup(func() { c.Close() }) })
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	resolver := NewResolver(lookupFunc(func(Family, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}), 0)
	prober := openGuard(New(resolver, Options{}))
	port := server.Listener.Addr().(*net.TCPAddr).AddrPort().Port()
	round := func() {
		for range 20 {
			prober.Probe(t.Context(), loopback(server.Listener.Addr(), nil))
			prober.Probe(t.Context(), loopback(server.Listener.Addr(), func(t *Target) {
				t.Host, t.Port, t.Families = "x.example", port, []Family{IPv4}
			}))
			prober.Probe(t.Context(), loopback(server.Listener.Addr(), func(t *Target) { t.Type = TCP }))
		}
	}
	round()
	files, goroutines := openSockets(t), runtime.NumGoroutine()
	round()
	prober.Probe(t.Context(), loopback(hanging, func(t *Target) { t.Timeout = 20 * time.Millisecond }))
	resolver.Close()

	// The server's own ends of the connections close a moment later.
	for deadline := time.Now().Add(5 * time.Second); ; runtime.Gosched() {
		// One accepted connection to the hanging server stays until the test ends.
		if openSockets(t) <= files+1 && runtime.NumGoroutine() <= goroutines {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d sockets, before %d; %d goroutines, before %d", openSockets(t), files, runtime.NumGoroutine(), goroutines)
		}
	}
}

func openSockets(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("counting files needs /proc")
	}
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if link, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.HasPrefix(link, "socket:") {
			n++
		}
	}
	return n
}
