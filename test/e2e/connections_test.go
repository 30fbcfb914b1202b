// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/breakwater-dev/breakwater/test/lab"
	"github.com/breakwater-dev/breakwater/test/load"
)

// after is how long connections are watched after the failover. It is longer
// than every timeout of the clients here.
const after = 30 * time.Second

// What docs/connections.md says of connections that were there before a
// failover.
func TestConnections(t *testing.T) {
	t.Parallel()
	only := func(set func(*http.Protocols)) *http.Protocols {
		p := new(http.Protocols)
		set(p)
		return p
	}
	http1 := &http.Transport{Protocols: only(func(p *http.Protocols) { p.SetHTTP1(true) })}
	// A connection that is being opened takes the only place, for minutes.
	single := http1.Clone()
	single.MaxConnsPerHost = 1
	http2 := &http.Transport{Protocols: only(func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) })}
	pings := http2.Clone()
	pings.HTTP2 = &http.HTTP2Config{SendPingTimeout: 2 * time.Second, PingTimeout: time.Second}

	for _, c := range []struct {
		name      string
		transport *http.Transport
		death     lab.Behaviour
		moves     bool
	}{
		{"HTTP/1.1, no packets", http1, lab.Silent(), true},
		{"HTTP/1.1 with one connection, no packets", single, lab.Silent(), false},
		{"HTTP/1.1, 503", http1, lab.Status(503), false},
		{"HTTP/2, no packets", http2, lab.Silent(), false},
		{"HTTP/2 with pings, no packets", pings, lab.Silent(), true},
		{"HTTP/2, 503", http2, lab.Status(503), false},
		{"HTTP/2 with pings, 503", pings, lab.Status(503), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			east := serving(w)
			kept := w.keep(c.transport.Clone())
			w.eventually("the kept connection is used", func() bool { return kept.answers.Load() > 0 })
			set(t, east, c.death)
			died := time.Now()
			failedOver := w.awaitAnswer(secondary, died)
			outage := failedOver.Longest().Length()

			deadline := time.NewTimer(after)
			defer deadline.Stop()
			select {
			case moved := <-kept.moved:
				t.Logf("new connections moved after %.2f s, this one after %.2f s", outage.Seconds(), moved.Sub(died).Seconds())
				if !c.moves {
					t.Error("the connection was given up; the documentation says that it is not")
				}
			case <-deadline.C:
				t.Logf("new connections moved after %.2f s, this one not within %s", outage.Seconds(), after)
				if c.moves {
					t.Error("the connection was not given up; the documentation says that it is")
				}
			}
		})
	}
}

// kept is a client that has one request at a time, on one connection as long as
// its transport keeps it.
type kept struct {
	answers atomic.Int32
	moved   chan time.Time // of the first answer of the secondary
}

// keep starts such a client. It gives up a request after 2 s.
func (w *world) keep(transport *http.Transport) *kept {
	w.t.Helper()
	k := &kept{moved: make(chan time.Time, 1)}
	transport.DialContext = cluster.Node.DialContext
	caller := &http.Client{Transport: transport, Timeout: 2 * time.Second}
	ctx, stop := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	url := w.url()
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			region, err := load.Complete(ctx, caller, url, "")
			if err == nil && region == secondary {
				k.moved <- time.Now()
				return
			}
			if err == nil {
				k.answers.Add(1)
			}
			pause(ctx, 100*time.Millisecond)
		}
	}()
	w.t.Cleanup(func() {
		stop()
		<-done
		transport.CloseIdleConnections()
	})
	return k
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// url is that of the Service's ClusterIP.
func (w *world) url() string {
	w.t.Helper()
	var service corev1.Service
	if err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: w.ns, Name: name}, &service); err != nil {
		w.t.Fatal(err)
	}
	return "http://" + service.Spec.ClusterIP
}

// A streamed answer stays with its region: it goes on where that fails only new
// requests, and stops without an error where no packets come.
func TestStreams(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		death  lab.Behaviour
		goesOn bool
	}{
		{"503", lab.Status(503), true},
		{"no packets", lab.Silent(), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			east := serving(w)
			var words atomic.Int32
			ended := w.stream(&words)
			w.eventually("words arrive", func() bool { return words.Load() > 5 })
			set(t, east, c.death)
			died := time.Now()
			outage := w.awaitAnswer(secondary, died).Longest().Length()

			before := words.Load()
			timer := time.NewTimer(after)
			defer timer.Stop()
			select {
			case err := <-ended:
				t.Errorf("the stream ended: %v", err)
			case <-timer.C:
			}
			arrived := words.Load() - before
			t.Logf("new connections moved after %.2f s; in the %s after that, %d words arrived in the stream", outage.Seconds(), after, arrived)
			if goesOn := arrived > 100; goesOn != c.goesOn || !c.goesOn && arrived > 0 {
				t.Errorf("%d words arrived; the documentation says otherwise", arrived)
			}
		})
	}
}

// stream asks for an answer of more words than the test waits for, and counts
// those that arrive. How the stream ends is sent.
func (w *world) stream(words *atomic.Int32) <-chan error {
	w.t.Helper()
	ended := make(chan error, 1)
	const body = `{"model": "demo", "stream": true, "max_tokens": 100000}`
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url()+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	caller := &http.Client{Transport: &http.Transport{DialContext: cluster.Node.DialContext}}
	response, err := caller.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	go func() {
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "data: ") {
				words.Add(1)
			}
		}
		ended <- lines.Err()
	}()
	w.t.Cleanup(func() { _ = response.Body.Close() })
	return ended
}
