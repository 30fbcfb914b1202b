// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// regionNetworks is how many networks for regions there are, numbered from 1.
const regionNetworks = 9

// regionMask is that of a region's IPv4 network.
var regionMask = net.CIDRMask(16, 32)

// configureNetwork brings up the loopback interface and makes the addresses of
// the package comment local. A kernel without IPv6 gets the IPv4 ones.
func configureNetwork() error {
	lo, err := bringUp("lo")
	if err != nil {
		return err
	}
	if err := addHost(lo, net.IPv4(10, 0, 0, 1), 32); err != nil {
		return err
	}
	for n := range byte(regionNetworks) {
		if err := addLocalRoute(lo, net.IPv4(10, n+1, 0, 0), regionMask); err != nil {
			return err
		}
	}
	if err := configureIPv6(lo); err != nil && !isNoIPv6(err) {
		return err
	}
	return nil
}

func configureIPv6(lo netlink.Link) error {
	// Without it, IPv6 lets nobody listen on an address that is local by its
	// route alone. Where /proc/sys cannot be written that stays so.
	_ = os.WriteFile("/proc/sys/net/ipv6/ip_nonlocal_bind", []byte("1"), 0)
	// Source address selection needs one address of global scope.
	if err := addHost(lo, net.ParseIP("fd00::1"), 128); err != nil {
		return err
	}
	for n := range regionNetworks {
		prefix := net.ParseIP(fmt.Sprintf("fd00:%d::", n+1))
		if err := addLocalRoute(lo, prefix, net.CIDRMask(64, 128)); err != nil {
			return err
		}
	}
	return nil
}

func addHost(lo netlink.Link, ip net.IP, bits int) error {
	host := &netlink.Addr{IPNet: &net.IPNet{IP: ip, Mask: net.CIDRMask(bits, bits)}}
	if ip.To4() == nil {
		host.Flags = unix.IFA_F_NODAD
	}
	if err := netlink.AddrAdd(lo, host); err != nil {
		return fmt.Errorf("adding address %s: %w", ip, err)
	}
	return nil
}

// addLocalRoute makes a whole prefix local, so that any address in it can be
// listened on and connected to, and one that nobody listens on refuses.
func addLocalRoute(lo netlink.Link, ip net.IP, mask net.IPMask) error {
	route := localRoute(lo, ip, mask)
	if err := netlink.RouteAdd(route); err != nil {
		return fmt.Errorf("adding local route %s: %w", route.Dst, err)
	}
	return nil
}

func localRoute(lo netlink.Link, ip net.IP, mask net.IPMask) *netlink.Route {
	return &netlink.Route{
		LinkIndex: lo.Attrs().Index,
		Dst:       &net.IPNet{IP: ip, Mask: mask},
		Type:      unix.RTN_LOCAL,
		Table:     unix.RT_TABLE_LOCAL,
		Scope:     netlink.SCOPE_HOST,
	}
}

func isNoIPv6(err error) bool {
	return errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) ||
		errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENODEV)
}
