// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
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
		"64:ff9b:1::7f00:1":        false, // NAT64 for local use
		"64:ff9b:1::a01:a":         true,
		"::ffff:0:127.0.0.1":       false, // IPv4-translated
		"2002:7f00:1::":            false, // 6to4
		"2002:a9fe:a9fe::1":        false,
		"2002:a01:a::1":            true,
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
