// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// serve returns a Dial to a server in memory. The server ends when the probe closes the connection.
func serve(server func(net.Conn)) Dial {
	return func(context.Context, netip.AddrPort) (net.Conn, error) {
		client, conn := net.Pipe()
		go func() {
			defer conn.Close()
			server(conn)
		}()
		return client, nil
	}
}

// answering reads the request, waits, and answers 200.
func answering(after time.Duration) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		pause(conn, after)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	}
}

// pause waits, but no longer than until the probe closes the connection.
func pause(conn net.Conn, d time.Duration) {
	conn.SetReadDeadline(time.Now().Add(d))
	io.Copy(io.Discard, conn)
}

// deaf reads nothing, for longer than any probe lasts.
func deaf(net.Conn) { time.Sleep(time.Minute) }

func silent(conn net.Conn) { io.Copy(io.Discard, conn) }

func readRequest(conn net.Conn) {
	lines := bufio.NewScanner(conn)
	for lines.Scan() && lines.Text() != "" {
	}
}

// pieces answers with first, and then with next once per interval, for ever.
func pieces(interval time.Duration, first, next string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		_, err := io.WriteString(conn, first)
		for err == nil {
			pause(conn, interval)
			_, err = io.WriteString(conn, next)
		}
	}
}

// hangingDial is an address that drops every packet.
func hangingDial(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
	<-ctx.Done()
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
}

// tightLoop is long enough that a server is not slow, and a server that never stops is not endless.
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

func compareAnswers() cmp.Option {
	return cmp.Options{
		cmpopts.IgnoreFields(Answer{}, "Latency", "Detail"),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	}
}

func TestProbeCanceled(t *testing.T) {
	slowDNS := &fakeDNS{}
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
		resolver := NewResolver(lookupFunc(func(string, string) ([]netip.Addr, error) { return many, nil }), 0)
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

func TestAddressesOfTarget(t *testing.T) {
	v4, v6 := []Family{IPv4}, []Family{IPv6}
	both := []Family{IPv4, IPv6}
	for name, tc := range map[string]struct {
		host     string
		dns      [2]string
		families []Family
		want     []string
		class    ErrorClass
		missing  []Family
	}{
		"address":                   {"192.0.2.1", [2]string{}, v4, []string{"192.0.2.1"}, None, nil},
		"any family":                {"2001:db8::1", [2]string{}, nil, []string{"2001:db8::1"}, None, nil},
		"mapped address":            {"::ffff:192.0.2.1", [2]string{}, v4, []string{"192.0.2.1"}, None, nil},
		"address of another family": {"2001:db8::1", [2]string{}, v4, nil, AddressFamily, v4},
		"address of one of two":     {"192.0.2.1", [2]string{}, both, []string{"192.0.2.1"}, None, v6},
		"name":                      {"x", [2]string{"192.0.2.1", "2001:db8::1"}, v4, []string{"192.0.2.1"}, None, nil},
		"name, both":                {"x", [2]string{"192.0.2.1", "2001:db8::1"}, both, []string{"192.0.2.1", "2001:db8::1"}, None, nil},
		"name, one of two":          {"x", [2]string{"192.0.2.1", "NXDOMAIN"}, both, []string{"192.0.2.1"}, None, v6},
		"name, any":                 {"x", [2]string{"SERVFAIL", "2001:db8::1"}, nil, []string{"2001:db8::1"}, None, nil},
		"name of another family":    {"x", [2]string{"NXDOMAIN", "2001:db8::1"}, v4, nil, AddressFamily, v4},
		"name not found":            {"x", [2]string{"NXDOMAIN", "NXDOMAIN"}, v4, nil, NameNotFound, nil},
		"no resolver":               {"x", [2]string{"SERVFAIL", "SERVFAIL"}, v4, nil, ResolverUnavailable, nil},
		"half a resolver":           {"x", [2]string{"192.0.2.1", "SERVFAIL"}, both, nil, ResolverUnavailable, nil},
		"half not found":            {"x", [2]string{"NXDOMAIN", "SERVFAIL"}, both, nil, ResolverUnavailable, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dns := &fakeDNS{}
				dns.set(0, tc.dns[0], tc.dns[1])
				resolver := NewResolver(dns, 0)
				defer resolver.Close()
				result := New(resolver, Options{Dial: serve(answering(0))}).Probe(t.Context(), target(func(t *Target) {
					t.Host, t.Families = tc.host, tc.families
				}))
				var got []string
				for _, a := range result.Addresses {
					got = append(got, a.Addr.String())
				}
				if diff := cmp.Diff(tc.want, got); diff != "" || result.Err != tc.class {
					t.Errorf("class %q (%s), want %q; addresses -want +got:\n%s", result.Err, result.Detail, tc.class, diff)
				}
				if diff := cmp.Diff(tc.missing, result.Missing()); diff != "" {
					t.Errorf("missing -want +got:\n%s", diff)
				}
				healthy := result.Healthy(func(a Answer) bool { return a.Status == 200 })
				if want := tc.class == None && tc.missing == nil; healthy != want {
					t.Errorf("healthy %t, want %t", healthy, want)
				}
			})
		})
	}
}

// A slow resolver is not taken for a slow region, and the addresses of before do not wait for it.
func TestSlowResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &fakeDNS{}
		dns.set(2*time.Second, "192.0.2.1", "")
		resolver := NewResolver(dns, 0)
		defer resolver.Close()
		prober := New(resolver, Options{Dial: serve(answering(0))})
		named := target(func(t *Target) { t.Host, t.Families = "x.example", []Family{IPv4} })

		first := prober.Probe(t.Context(), named)
		if first.Err != ResolverUnavailable || first.Finished.Sub(first.Started) != named.Timeout/2 {
			t.Errorf("first: %+v", first)
		}
		time.Sleep(DefaultTTL)
		second := prober.Probe(t.Context(), named)
		if len(second.Addresses) != 1 || second.Addresses[0].Status != 200 || second.Finished != second.Started {
			t.Errorf("second: %+v", second)
		}
	})
}

// What is left for the server after a lookup is the rest of the timeout.
func TestLookupCountsIntoTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &fakeDNS{}
		dns.set(time.Second, "192.0.2.1", "")
		resolver := NewResolver(dns, 0)
		defer resolver.Close()
		start := time.Now()
		got := New(resolver, Options{Dial: serve(silent)}).Probe(t.Context(), target(func(t *Target) {
			t.Host, t.Families = "x.example", []Family{IPv4}
		}))
		if took := time.Since(start); took != 3*time.Second || got.Addresses[0].Err != Timeout {
			t.Errorf("after %s: %+v", took, got)
		}
	})
}

// Addresses are asked at once, and each is told apart.
func TestSeveralAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resolver := NewResolver(lookupFunc(func(string, string) ([]netip.Addr, error) {
			return []netip.Addr{
				netip.MustParseAddr("192.0.2.3"), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"),
				netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.1"),
			}, nil
		}), 0)
		defer resolver.Close()
		prober := New(resolver, Options{Dial: func(ctx context.Context, a netip.AddrPort) (net.Conn, error) {
			switch a.Addr().As4()[3] {
			case 1:
				return serve(silent)(ctx, a)
			case 2:
				return serve(answering(2*time.Second))(ctx, a)
			default:
				return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
			}
		}})
		got := prober.Probe(t.Context(), target(func(t *Target) { t.Host, t.Families = "x.example", []Family{IPv4} }))
		want := []AddressResult{
			{Addr: netip.MustParseAddr("127.0.0.1"), Answer: Answer{Err: Forbidden}},
			{Addr: netip.MustParseAddr("192.0.2.1"), Answer: Answer{Err: Timeout}},
			{Addr: netip.MustParseAddr("192.0.2.2"), Answer: Answer{Status: 200}},
			{Addr: netip.MustParseAddr("192.0.2.3"), Answer: Answer{Err: ConnectionRefused}},
		}
		if diff := cmp.Diff(want, got.Addresses, compareAnswers()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if took := got.Finished.Sub(got.Started); took != 3*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestLimit(t *testing.T) {
	addrs := func(n4, n6 int) (out []netip.Addr) {
		for i := range n4 {
			out = append(out, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
		}
		for i := range n6 {
			out = append(out, netip.AddrFrom16([16]byte{0x20, 0x01, 15: byte(i)}))
		}
		return out
	}
	for _, tc := range []struct{ n4, n6, want4, want6 int }{
		{1, 0, 1, 0}, {16, 0, 16, 0}, {8, 8, 8, 8}, {16, 16, 8, 8}, {16, 3, 13, 3}, {2, 16, 2, 14}, {0, 16, 0, 16},
	} {
		in := addrs(tc.n4, tc.n6)
		want := append(addrs(tc.want4, 0), addrs(0, tc.want6)...)
		if diff := cmp.Diff(want, limit(in), compareAnswers()); diff != "" {
			t.Errorf("%d and %d: -want +got:\n%s", tc.n4, tc.n6, diff)
		}
	}
}
