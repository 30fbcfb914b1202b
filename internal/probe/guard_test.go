// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"net"
	"net/netip"
	"testing"
)

func TestGuard(t *testing.T) {
	clusterIP := netip.MustParseAddr("10.96.0.10")
	check := func(a netip.Addr) (string, bool) { return "a cluster IP", a != clusterIP }
	for addr, want := range map[string]bool{
		"10.1.0.10":                true,
		"2001:db8::10":             true,
		"fd00::10":                 true,
		"64:ff9b::a01:a":           true, // NAT64 of 10.1.0.10
		"127.0.0.1":                false,
		"127.255.255.254":          false,
		"::1":                      false,
		"0.0.0.0":                  false,
		"::":                       false,
		"169.254.169.254":          false,
		"fe80::1":                  false,
		"fe80::1%eth0":             false,
		"224.0.0.1":                false,
		"255.255.255.255":          false,
		"ff02::1":                  false,
		"ff0e::1":                  false,
		"::ffff:127.0.0.1":         false,
		"::ffff:169.254.169.254":   false,
		"::127.0.0.1":              false,
		"64:ff9b::7f00:1":          false,
		"64:ff9b::169.254.169.254": false,
		"10.96.0.10":               false,
		"::ffff:10.96.0.10":        false,
		"64:ff9b::10.96.0.10":      false,
	} {
		reason, ok := guard(check)(netip.MustParseAddr(addr))
		if ok != want || !ok && reason == "" {
			t.Errorf("%s: allowed %t (%q), want %t", addr, ok, reason, want)
		}
	}
}

func TestGuardWithoutCheck(t *testing.T) {
	if reason, ok := guard(nil)(netip.MustParseAddr("10.1.0.10")); !ok {
		t.Errorf("refused: %s", reason)
	}
}

// TestForbiddenAddressGetsNoPacket proves it by a connection made afterwards: it must be the first one
// that the listener sees.
func TestForbiddenAddressGetsNoPacket(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).AddrPort().Port()
	resolver := NewResolver(lookupFunc(func(Family, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}), 0)
	defer resolver.Close()
	prober := New(resolver, Options{})

	for _, host := range []string{"127.0.0.1", "::ffff:127.0.0.1", "rebound.example"} {
		for _, kind := range []Type{HTTP, TCP} {
			result := prober.Probe(t.Context(), target(func(t *Target) {
				t.Host, t.Port, t.Type, t.Families = host, port, kind, []Family{IPv4}
			}))
			if len(result.Addresses) != 1 || result.Addresses[0].Err != Forbidden || result.Addresses[0].Detail == "" {
				t.Errorf("%s %s: %+v, want Forbidden with a reason", kind, host, result)
			}
		}
	}

	marker, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer marker.Close()
	first, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if first.RemoteAddr().String() != marker.LocalAddr().String() {
		t.Error("a forbidden address was connected to")
	}
}
