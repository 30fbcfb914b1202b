// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"net/netip"
)

// Check says whether an address may be a region's. If not, reason is shown to the user.
// It is called from several goroutines at once.
type Check func(netip.Addr) (reason string, ok bool)

// guard joins the fixed rules with those of the caller. It is asked at the moment of the dial, with the
// very address that is dialled, so that no name and no spelling of an address leads around it.
func guard(check Check) Check {
	return func(addr netip.Addr) (string, bool) {
		addr = addr.Unmap()
		for _, a := range []netip.Addr{addr, embedded(addr)} {
			if !a.IsValid() {
				continue
			}
			if reason := special(a); reason != "" {
				return reason, false
			}
			if check == nil {
				continue
			}
			if reason, ok := check(a); !ok {
				return reason, false
			}
		}
		return "", true
	}
}

// special names the kinds of address that lead to the operator's own host or to no single host.
func special(addr netip.Addr) string {
	switch {
	case addr.IsUnspecified():
		return "the unspecified address is not a region"
	case addr.IsLoopback():
		return "a loopback address is the operator's own host"
	case addr.IsLinkLocalUnicast():
		return "a link-local address is the operator's own link"
	case addr.IsMulticast(), addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "a multicast or broadcast address is not one region"
	default:
		return ""
	}
}

// embedded returns the IPv4 address that an IPv6 address stands for, through which the IPv4 address is reached:
// IPv4-compatible (RFC 4291, section 2.5.5.1), IPv4-translated (RFC 2765, section 2.1), NAT64 by the well-known
// prefix (RFC 6052, section 2.1) or the one for local use (RFC 8215), and 6to4 (RFC 3056).
// It returns the zero Addr for all others. A NAT64 prefix of a network's own cannot be known.
func embedded(addr netip.Addr) netip.Addr {
	if !addr.Is6() {
		return netip.Addr{}
	}
	b := addr.As16()
	prefix := [12]byte(b[:12])
	switch {
	case prefix == [12]byte{}, prefix == [12]byte{8: 0xff, 9: 0xff}, prefix == [12]byte{0x00, 0x64, 0xff, 0x9b},
		[6]byte(b[:6]) == [6]byte{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}:
		return netip.AddrFrom4([4]byte(b[12:]))
	case b[0] == 0x20 && b[1] == 0x02:
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return netip.Addr{}
}
