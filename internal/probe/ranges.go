// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Ranges say which addresses a region may have beyond those that none may have.
type Ranges struct {
	// Denied addresses are refused. Allowed ones are the only ones, if there are any.
	Denied, Allowed []netip.Prefix
}

// Check refuses an address that is denied or not allowed. It has the form of a [Check], and as such is asked with IPv4
// addresses as they are, not mapped into IPv6.
func (r Ranges) Check(addr netip.Addr) (reason string, ok bool) {
	holds := func(p netip.Prefix) bool { return p.Contains(addr) }
	switch {
	case slices.ContainsFunc(r.Denied, holds):
		return "the administrator of the operator does not allow this address", false
	case len(r.Allowed) > 0 && !slices.ContainsFunc(r.Allowed, holds):
		return "the administrator of the operator allows other addresses only", false
	}
	return "", true
}

// ParsePrefixes reads a list of CIDRs, separated by commas. An IPv4 prefix written as IPv6, which would hold no
// address, is refused, and so is one with bits beyond its length.
func ParsePrefixes(list string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for text := range strings.SplitSeq(list, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil || p != p.Masked() || p.Addr().Is4In6() {
			return nil, fmt.Errorf("%q is not a CIDR: write the first address and the length, such as 10.0.0.0/8 or fd00::/8", text)
		}
		prefixes = append(prefixes, p)
	}
	return prefixes, nil
}

// Checks joins several checks: what one of them refuses is refused.
func Checks(checks ...Check) Check {
	return func(addr netip.Addr) (string, bool) {
		for _, check := range checks {
			if reason, ok := check(addr); !ok {
				return reason, false
			}
		}
		return "", true
	}
}
