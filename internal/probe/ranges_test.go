// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"net/netip"
	"testing"
)

func TestRanges(t *testing.T) {
	for _, tc := range []struct {
		denied, allowed, addr string
		want                  bool
	}{
		{"", "", "10.1.0.10", true},
		{"10.0.0.0/8", "", "10.1.0.10", false},
		{"10.0.0.0/8", "", "11.1.0.10", true},
		{"10.0.0.0/8", "", "::ffff:10.1.0.10", false},
		{"10.0.0.0/8", "", "64:ff9b::10.1.0.10", false},
		{"10.0.0.0/8", "", "::10.1.0.10", false},
		{"10.0.0.0/8, fd00::/8", "", "fd00::10", false},
		{"", "10.1.0.0/16", "10.1.0.10", true},
		{"", "10.1.0.0/16", "10.2.0.10", false},
		{"", "10.1.0.0/16", "fd00::10", false},
		{"10.1.0.0/24", "10.1.0.0/16", "10.1.0.10", false},
		{"10.1.0.0/24", "10.1.0.0/16", "10.1.1.10", true},
		{"", "0.0.0.0/0,::/0", "127.0.0.1", false},
		{"", "0.0.0.0/0,::/0", "169.254.169.254", false},
		{"", "0.0.0.0/0,::/0", "::1", false},
	} {
		denied, err := ParsePrefixes(tc.denied)
		if err != nil {
			t.Fatal(err)
		}
		allowed, err := ParsePrefixes(tc.allowed)
		if err != nil {
			t.Fatal(err)
		}
		everybody := func(netip.Addr) (string, bool) { return "", true }
		check := guard(Checks(everybody, Ranges{Denied: denied, Allowed: allowed}.Check))
		if reason, ok := check(netip.MustParseAddr(tc.addr)); ok != tc.want || ok != (reason == "") {
			t.Errorf("%s, denied %q, allowed %q: %v (%s), want %v", tc.addr, tc.denied, tc.allowed, ok, reason, tc.want)
		}
	}
}

func TestParsePrefixesRefuses(t *testing.T) {
	for _, list := range []string{"10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "::ffff:10.0.0.0/104", "example.com", "10.0.0.0/8;11.0.0.0/8"} {
		if got, err := ParsePrefixes(list); err == nil {
			t.Errorf("%q is read as %v", list, got)
		}
	}
}
