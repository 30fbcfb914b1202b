// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lookupFunc answers at once.
type lookupFunc func(f Family, host string) ([]netip.Addr, error)

func (f lookupFunc) Lookup(_ context.Context, family Family, host string) ([]netip.Addr, time.Duration, error) {
	addrs, err := f(family, host)
	return addrs, -1, err
}

// fakeDNS answers after a delay, and counts.
type fakeDNS struct {
	mu     sync.Mutex
	delay  time.Duration
	ttl    time.Duration     // negative: nobody says
	answer map[Family]string // an address, "NXDOMAIN", or anything else for a failure
	asked  atomic.Int32
}

func (d *fakeDNS) set(delay time.Duration, v4, v6 string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.delay, d.answer = delay, map[Family]string{IPv4: v4, IPv6: v6}
}

func (d *fakeDNS) Lookup(ctx context.Context, f Family, host string) ([]netip.Addr, time.Duration, error) {
	d.asked.Add(1)
	d.mu.Lock()
	delay, answer, ttl := d.delay, d.answer[f], d.ttl
	d.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return nil, ttl, &net.DNSError{Err: ctx.Err().Error(), Name: host, IsTimeout: true}
	}
	if answer == "NXDOMAIN" {
		return nil, ttl, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	addr, err := netip.ParseAddr(answer)
	if err != nil {
		return nil, ttl, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
	}
	return []netip.Addr{addr}, ttl, nil
}

// resolution is what a question gave, in words, and how long it waited.
func resolution(r *Resolver, host string, families ...Family) string {
	start := time.Now()
	addrs, err := r.Resolve(context.Background(), host, families)
	what := "ok"
	switch {
	case errors.Is(err, ErrNameNotFound):
		what = "not found"
	case errors.Is(err, ErrResolverUnavailable):
		what = "unavailable"
	}
	return fmt.Sprintf("%v %s after %s", addrs, what, time.Since(start))
}

func TestResolver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &fakeDNS{ttl: -1}
		r := NewResolver(dns, 0)
		defer r.Close()
		want := func(step, want string, lookups int32, got string) {
			t.Helper()
			synctest.Wait()
			if n := dns.asked.Load(); got != want || n != lookups {
				t.Errorf("%s: %s with %d lookups so far, want %s with %d", step, got, n, want, lookups)
			}
		}
		const host = "region.example"

		dns.set(time.Second, "192.0.2.1", "NXDOMAIN")
		want("the first question waits", "[192.0.2.1] ok after 1s", 1, resolution(r, host, IPv4))
		want("then memory answers", "[192.0.2.1] ok after 0s", 1, resolution(r, "Region.Example", IPv4))
		time.Sleep(DefaultTTL - time.Nanosecond)
		want("up to the TTL", "[192.0.2.1] ok after 0s", 1, resolution(r, host, IPv4))

		dns.set(time.Second, "192.0.2.2", "NXDOMAIN")
		time.Sleep(time.Nanosecond)
		want("a refresh is not waited for", "[192.0.2.1] ok after 0s", 2, resolution(r, host, IPv4))
		want("nor doubled", "[192.0.2.1] ok after 0s", 2, resolution(r, host, IPv4))
		time.Sleep(time.Second)
		synctest.Wait()
		want("its result is used", "[192.0.2.2] ok after 0s", 2, resolution(r, host, IPv4))

		dns.set(0, "SERVFAIL", "NXDOMAIN")
		time.Sleep(DefaultTTL)
		want("a refresh that fails", "[192.0.2.2] ok after 0s", 3, resolution(r, host, IPv4))
		want("is not repeated at once", "[192.0.2.2] ok after 0s", 3, resolution(r, host, IPv4))
		dns.set(0, "NXDOMAIN", "NXDOMAIN")
		time.Sleep(retryAfterFailure)
		want("but after a while", "[192.0.2.2] ok after 0s", 4, resolution(r, host, IPv4))
		want("NXDOMAIN keeps the last good", "[192.0.2.2] ok after 0s", 4, resolution(r, host, IPv4))

		time.Sleep(idleTime)
		want("another name sweeps", "[] not found after 0s", 5, resolution(r, "gone.example", IPv4))
		want("an idle name is forgotten", "[] not found after 0s", 6, resolution(r, host, IPv4))
	})
}

// How long an answer holds is as DNS says it, within bounds.
func TestResolverHonoursTTL(t *testing.T) {
	const addr, none = "192.0.2.1", "NXDOMAIN"
	for name, tc := range map[string]struct {
		answer string
		ttl    time.Duration
		want   time.Duration
	}{
		"as said":                   {addr, 7 * time.Second, 7 * time.Second},
		"too short":                 {addr, 0, minTTL},
		"too long":                  {addr, 24 * time.Hour, maxTTL},
		"not said":                  {addr, -1, DefaultTTL},
		"no such name":              {none, 7 * time.Second, 7 * time.Second},
		"no such name, too short":   {none, 0, minTTL},
		"no such name, too long":    {none, time.Hour, maxDenialTTL},
		"no such name, not said":    {none, -1, retryAfterFailure},
		"failure, whatever is said": {"SERVFAIL", time.Hour, retryAfterFailure},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dns := &fakeDNS{ttl: tc.ttl}
				dns.set(0, tc.answer, none)
				r := NewResolver(dns, 0)
				defer r.Close()
				asked := func(after time.Duration, want int32) {
					t.Helper()
					time.Sleep(after)
					resolution(r, "region.example", IPv4)
					synctest.Wait()
					if n := dns.asked.Load(); n != want {
						t.Errorf("%d lookups, want %d", n, want)
					}
				}
				asked(0, 1)
				asked(tc.want-time.Nanosecond, 1)
				asked(time.Nanosecond, 2)
			})
		})
	}
}

func TestResolverWithoutLastGood(t *testing.T) {
	for name, tc := range map[string]struct {
		delay  time.Duration
		v4, v6 string
		want   string
		again  string // at once
		later  string // when the failure is forgotten
	}{
		"NXDOMAIN":  {0, "NXDOMAIN", "NXDOMAIN", "[] not found after 0s", "[] not found after 0s", "[] not found after 0s"},
		"SERVFAIL":  {0, "SERVFAIL", "NXDOMAIN", "[] unavailable after 0s", "[] unavailable after 0s", "[] unavailable after 0s"},
		"no answer": {time.Hour, "", "", "[] unavailable after 10s", "[] unavailable after 0s", "[] unavailable after 10s"},
		"one family": {0, "192.0.2.1", "NXDOMAIN", "[192.0.2.1] not found after 0s", "[192.0.2.1] not found after 0s",
			"[192.0.2.1] not found after 0s"},
		"the other fails": {0, "192.0.2.1", "SERVFAIL", "[192.0.2.1] unavailable after 0s",
			"[192.0.2.1] unavailable after 0s", "[192.0.2.1] unavailable after 0s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dns := &fakeDNS{ttl: -1}
				dns.set(tc.delay, tc.v4, tc.v6)
				r := NewResolver(dns, 0)
				defer r.Close()
				got := []string{resolution(r, "x.example", IPv4, IPv6)}
				asked := dns.asked.Load()
				for range 100 {
					resolution(r, "x.example", IPv4, IPv6)
				}
				got = append(got, resolution(r, "x.example", IPv4, IPv6))
				if n := dns.asked.Load(); n != asked {
					t.Errorf("%d lookups while the failure is remembered", n-asked)
				}
				time.Sleep(retryAfterFailure)
				got = append(got, resolution(r, "x.example", IPv4, IPv6))
				if diff := cmp.Diff([]string{tc.want, tc.again, tc.later}, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		})
	}
}

// A family that is gone while the other is there was taken out of the name; both gone is a mistake.
func TestResolverFamilyRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &fakeDNS{ttl: -1}
		r := NewResolver(dns, 0)
		defer r.Close()
		dns.set(0, "192.0.2.1", "2001:db8::1")
		var got []string
		for _, next := range [][2]string{{"NXDOMAIN", "NXDOMAIN"}, {"192.0.2.1", "NXDOMAIN"}, {"", ""}} {
			got = append(got, resolution(r, "x.example", IPv4, IPv6))
			dns.set(0, next[0], next[1])
			for range 3 { // IPv6 is not found, IPv4 is found, IPv6 is not found again
				time.Sleep(DefaultTTL)
				resolution(r, "x.example", IPv4, IPv6)
				synctest.Wait()
			}
		}
		want := []string{
			"[192.0.2.1 2001:db8::1] ok after 0s",
			"[192.0.2.1 2001:db8::1] ok after 0s",
			"[192.0.2.1] not found after 0s",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// What the other family had long ago does not show that the name still exists.
func TestResolverKeepsLastGoodOfOneFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &fakeDNS{ttl: -1}
		r := NewResolver(dns, 0)
		defer r.Close()
		dns.set(0, "192.0.2.1", "2001:db8::1")
		resolution(r, "x.example", IPv4, IPv6)
		dns.set(0, "NXDOMAIN", "NXDOMAIN")
		for range 3 {
			time.Sleep(DefaultTTL)
			resolution(r, "x.example", IPv4)
			synctest.Wait()
		}
		if got, want := resolution(r, "x.example", IPv4), "[192.0.2.1] ok after 0s"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

func TestResolverSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &fakeDNS{ttl: -1}
		dns.set(time.Second, "192.0.2.1", "")
		r := NewResolver(dns, 0)
		defer r.Close()
		var group sync.WaitGroup
		for range 1000 {
			group.Go(func() {
				if got := resolution(r, "x.example", IPv4); got != "[192.0.2.1] ok after 1s" {
					t.Errorf("got %s", got)
				}
			})
		}
		group.Wait()
		if n := dns.asked.Load(); n != 1 {
			t.Errorf("%d lookups", n)
		}
	})
}

// A name that does not resolve holds up no other, and lookups are bounded.
func TestResolverBoundsLookups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &fakeDNS{ttl: -1}
		dns.set(time.Hour, "", "")
		r := NewResolver(dns, 0)
		for i := range 2 * maxLookups {
			go resolution(r, fmt.Sprintf("dead-%d.example", i), IPv4)
		}
		synctest.Wait()
		if n := dns.asked.Load(); n != maxLookups {
			t.Errorf("%d lookups under way, want %d", n, maxLookups)
		}
		start := time.Now()
		r.Close()
		if d := time.Since(start); d != 0 {
			t.Errorf("Close took %s", d)
		}
		asked := dns.asked.Load()
		for i := range 20 {
			if got := resolution(r, fmt.Sprintf("late-%d.example", i), IPv4); got != "[] unavailable after 0s" {
				t.Errorf("after Close: %s", got)
			}
		}
		if n := dns.asked.Load(); n != asked {
			t.Errorf("%d lookups after Close", n-asked)
		}
	})
}

func TestNormalize(t *testing.T) {
	var many []netip.Addr
	for i := range 40 {
		many = append(many, netip.AddrFrom4([4]byte{192, 0, 2, byte(40 - i)}))
	}
	many = append(many, netip.MustParseAddr("::ffff:192.0.2.1"), netip.MustParseAddr("2001:db8::1%eth0"))
	if got := normalize(many, IPv4); len(got) != maxAddresses || got[0].String() != "192.0.2.1" || got[15].String() != "192.0.2.16" {
		t.Errorf("IPv4: %v", got)
	}
	if got := normalize(many, IPv6); len(got) != 1 || got[0].String() != "2001:db8::1" {
		t.Errorf("IPv6: %v", got)
	}
}

func TestNotFound(t *testing.T) {
	for want, errs := range map[bool][]error{
		true:  {&net.DNSError{IsNotFound: true}, &net.AddrError{Err: "no suitable address found"}},
		false: {&net.DNSError{IsTimeout: true}, io.EOF, context.DeadlineExceeded},
	} {
		for _, err := range errs {
			if got := notFound(fmt.Errorf("lookup: %w", err)); got != want {
				t.Errorf("%v: %t", err, got)
			}
		}
	}
}
