// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tightLoop is the interval of a server that sends as fast as it can. It is not 0, so that the fake clock moves
// and a server that is not bounded meets the timeout.
const tightLoop = time.Microsecond

func TestProbeIsBounded(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	https := func(t *Target) { t.Scheme = "https" }
	for name, tc := range map[string]struct {
		dial   Dial
		change func(*Target)
		want   Answer
		within time.Duration // exactly at the timeout if it is 3s
	}{
		"answers":                  {serve(answering(0)), nil, Answer{Status: 200}, 0},
		"answers late":             {serve(answering(2999 * time.Millisecond)), nil, Answer{Status: 200}, 2999 * time.Millisecond},
		"answers too late":         {serve(answering(3001 * time.Millisecond)), nil, Answer{Err: Timeout}, 3 * time.Second},
		"accepts no connection":    {hangingDial, nil, Answer{Err: Timeout}, 3 * time.Second},
		"never answers":            {serve(silent), nil, Answer{Err: Timeout}, 3 * time.Second},
		"never reads":              {serve(deaf), nil, Answer{Err: Timeout}, 3 * time.Second},
		"never ends the handshake": {serve(silent), https, Answer{Err: Timeout}, 3 * time.Second},
		"drips the status line":    {serve(pieces(time.Second, "H", "T")), nil, Answer{Err: Timeout}, 3 * time.Second},
		"drips headers":            {serve(pieces(time.Second, ok, "X: y\r\n")), nil, Answer{Err: Timeout}, 3 * time.Second},
		"drips 1xx":                {serve(pieces(time.Second, "", "HTTP/1.1 100 Continue\r\n\r\n")), nil, Answer{Err: Timeout}, 3 * time.Second},
		"drips the body":           {serve(pieces(time.Second, ok+"\r\n", "x")), nil, Answer{Status: 200, Err: Timeout}, 3 * time.Second},
		"drips chunks":             {serve(pieces(time.Second, ok+"Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n")), nil, Answer{Status: 200, Err: Timeout}, 3 * time.Second},
		"never starts the body":    {serve(pieces(time.Hour, ok+"Content-Length: 1\r\n\r\n", "x")), nil, Answer{Status: 200, Err: Timeout}, 3 * time.Second},
		"endless headers":          {serve(pieces(tightLoop, ok, "X: y\r\n")), nil, Answer{Err: MalformedResponse}, time.Second},
		"endless 1xx":              {serve(pieces(tightLoop, "", "HTTP/1.1 100 Continue\r\n\r\n")), nil, Answer{Err: MalformedResponse}, time.Second},
		"endless line":             {serve(pieces(tightLoop, ok+"X: ", strings.Repeat("y", 100))), nil, Answer{Err: MalformedResponse}, time.Second},
		"endless body":             {serve(pieces(tightLoop, ok+"\r\n", strings.Repeat("y", 100))), nil, Answer{Status: 200}, time.Second},
		"redirects":                {serve(pieces(time.Hour, "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.9/\r\nContent-Length: 0\r\n\r\n", "")), nil, Answer{Status: 302}, 0},
		"closes at once":           {serve(func(net.Conn) {}), nil, Answer{Err: ConnectionReset}, 0},
		"closes after the request": {serve(readRequest), nil, Answer{Err: ConnectionReset}, 0},
		"speaks first, another":    {serve(func(conn net.Conn) { go silent(conn); io.WriteString(conn, "220 mail\r\n"); readRequest(conn) }), nil, Answer{Err: MalformedResponse}, 0},
		"speaks no TLS": {serve(func(conn net.Conn) {
			go silent(conn)
			io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
		}), https, Answer{Err: TLS}, 0},
		"TCP, whatever it says":      {serve(silent), func(t *Target) { t.Type = TCP }, Answer{}, 0},
		"TCP, accepts no connection": {hangingDial, func(t *Target) { t.Type = TCP }, Answer{Err: Timeout}, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				got := New(nil, Options{Dial: tc.dial}).Probe(t.Context(), target(tc.change))
				took := time.Since(start)

				want := []AddressResult{{Addr: netip.MustParseAddr("192.0.2.1"), Answer: tc.want}}
				if diff := cmp.Diff(want, got.Addresses, compareAnswers()); diff != "" {
					t.Errorf("-want +got:\n%s(%s)", diff, got.Addresses[0].Detail)
				}
				time.Sleep(time.Minute) // servers end
				if took > tc.within || tc.within == 3*time.Second && took != tc.within {
					t.Errorf("took %s, want %s", took, tc.within)
				}
				if got.Finished.Sub(got.Started) != took || got.Addresses[0].Latency != took {
					t.Errorf("took %s, but the result is %+v", took, got)
				}
			})
		})
	}
}

func TestProbeCanceled(t *testing.T) {
	slowDNS := &fakeDNS{ttl: -1}
	slowDNS.set(time.Hour, "", "")
	for name, tc := range map[string]struct {
		dial   Dial
		change func(*Target)
		status int
	}{
		"resolving":   {nil, func(t *Target) { t.Host = "x.example" }, 0},
		"connecting":  {hangingDial, nil, 0},
		"handshaking": {serve(silent), func(t *Target) { t.Scheme = "https" }, 0},
		"asking":      {serve(deaf), nil, 0},
		"reading":     {serve(silent), nil, 0},
		"draining":    {serve(pieces(time.Hour, "HTTP/1.1 200 OK\r\n\r\n", "")), nil, 200},
	} {
		for how, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
			"by cancel": func(ctx context.Context) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(time.Second, cancel)
				return ctx, cancel
			},
			"by a deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, time.Second)
			},
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					resolver := NewResolver(slowDNS, 0)
					defer resolver.Close()
					ctx, cancel := end(t.Context())
					defer cancel()
					start := time.Now()
					got := New(resolver, Options{Dial: tc.dial}).Probe(ctx, target(tc.change))
					if took := time.Since(start); took != time.Second {
						t.Errorf("returned after %s", took)
					}
					class, status := got.Err, 0
					if len(got.Addresses) > 0 {
						class, status = got.Addresses[0].Err, got.Addresses[0].Status
					}
					time.Sleep(time.Minute) // servers end
					if class != Canceled || status != tc.status {
						t.Errorf("result %+v, want Canceled and status %d", got, tc.status)
					}
				})
			})
		}
	}
}

// A process that stood still cannot say that the server was late.
func TestStalledOperator(t *testing.T) {
	for stall, want := range map[time.Duration]ErrorClass{
		stallBound:                    Timeout,
		stallBound + time.Millisecond: Local,
	} {
		synctest.Test(t, func(t *testing.T) {
			dial := func(context.Context, netip.AddrPort) (net.Conn, error) {
				time.Sleep(3*time.Second + stall)
				return nil, os.ErrDeadlineExceeded
			}
			got := New(nil, Options{Dial: dial}).Probe(t.Context(), target(nil))
			if got.Addresses[0].Err != want {
				t.Errorf("late by %s: %+v, want %s", stall, got.Addresses[0], want)
			}
		})
	}
}

// A probe takes as many places as it has addresses; waiting for them is not the region's fault.
func TestWaitForPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var many []netip.Addr
		for i := range maxAddresses {
			many = append(many, netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}))
		}
		resolver := NewResolver(lookupFunc(func(Family, string) ([]netip.Addr, error) { return many, nil }), 0)
		defer resolver.Close()
		prober := New(resolver, Options{MaxConnections: 1, Dial: func(ctx context.Context, a netip.AddrPort) (net.Conn, error) {
			if a.Addr().String() == "192.0.2.1" {
				return serve(answering(2*time.Second))(ctx, a)
			}
			return hangingDial(ctx, a)
		}})
		start := time.Now()
		go prober.Probe(t.Context(), target(func(t *Target) {
			t.Host, t.Timeout, t.Families = "many.example", 10*time.Second, []Family{IPv4}
		}))
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := prober.Probe(ctx, target(nil)); got.Err != Canceled || got.Started.Sub(start) != time.Second {
			t.Errorf("given up while waiting: %+v", got)
		}
		got := prober.Probe(t.Context(), target(nil))
		if len(got.Addresses) != 1 || got.Addresses[0].Status != 200 {
			t.Errorf("after waiting: %+v", got)
		}
		if got.Started.Sub(start) != 10*time.Second || got.Finished.Sub(start) != 12*time.Second {
			t.Errorf("started after %s, finished after %s", got.Started.Sub(start), got.Finished.Sub(start))
		}
		for range 2 * maxAddresses { // every place comes back, or this would not end
			prober.Probe(t.Context(), target(nil))
		}
	})
}

// The addresses of a target without a host are those that somebody else has found.
func TestTargetWithKnownAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		prober := New(NewResolver(nil, 0), Options{Dial: serve(answering(0))})
		var many []netip.Addr
		for i := range 40 {
			many = append(many, netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}))
		}
		many = append(many, netip.MustParseAddr("2001:db8::1"))
		known := func(edit func(*Target)) Target {
			return target(func(t *Target) {
				t.Host, t.Addresses = "", many
				edit(t)
			})
		}

		r := prober.Probe(t.Context(), known(func(t *Target) { t.Families = []Family{IPv4, IPv6} }))
		if len(r.Addresses) != maxAddresses || r.Addresses[0].Addr != many[0] || r.Addresses[maxAddresses-1].Addr != many[40] {
			t.Errorf("asked %v", r.Addresses)
		}
		if got := prober.Addresses(t.Context(), known(func(t *Target) { t.Families = []Family{IPv4} })); len(got) != 40 {
			t.Errorf("%d addresses, want all 40 of the family", len(got))
		}
		r = prober.Probe(t.Context(), known(func(t *Target) { t.Addresses, t.Absent, t.Port = nil, "NotThere", 0 }))
		if r.Err != "NotThere" || len(r.Addresses) > 0 {
			t.Errorf("absent: class %q, asked %v", r.Err, r.Addresses)
		}
		r = prober.Probe(t.Context(), known(func(t *Target) { t.Addresses, t.Families = many[:1], []Family{IPv6} }))
		if r.Err != AddressFamily {
			t.Errorf("of another family: class %q", r.Err)
		}
		if r = prober.Probe(t.Context(), known(func(t *Target) { t.Addresses = nil })); r.Err != Local {
			t.Errorf("nothing found out yet: class %q", r.Err)
		}
	})
}
