// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
				dns := &fakeDNS{ttl: -1}
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
		dns := &fakeDNS{ttl: -1}
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
		dns := &fakeDNS{ttl: -1}
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
		resolver := NewResolver(lookupFunc(func(Family, string) ([]netip.Addr, error) {
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

func TestAddressesLeavesOutForbiddenOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dns := &fakeDNS{ttl: -1}
		dns.set(0, "127.0.0.1", "2001:db8::1")
		resolver := NewResolver(dns, 0)
		defer resolver.Close()
		prober := New(resolver, Options{})
		for host, want := range map[string]string{
			"x.example": "2001:db8::1",
			"192.0.2.1": "192.0.2.1",
			"127.0.0.1": "",
		} {
			if got := join(prober.Addresses(t.Context(), target(func(t *Target) { t.Host = host }))); got != want {
				t.Errorf("%s: %q, want %q", host, got, want)
			}
		}
		dns.set(0, "SERVFAIL", "SERVFAIL")
		if got := prober.Addresses(t.Context(), target(func(t *Target) { t.Host = "y.example" })); got != nil {
			t.Errorf("without a resolver: %v", got)
		}
	})
}
