// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
)

// Network joins Hosts with each other and with the program, whose own network
// is the control plane's. Packets between them cross a bridge.
type Network struct {
	bridge netlink.Link
	hosts  []*Host
	cables []netlink.Link // one for each host
	taken  []byte         // numbers of the regions that hosts have
}

// lan is what the bridge joins. The Service range lies in it too, as it may in
// a cluster: kube-proxy rewrites before routing decides.
var lan = net.CIDRMask(8, 32)

// NewNetwork makes the bridge. There is one at a time. The caller closes it.
func NewNetwork() (*Network, error) {
	bridge, err := newBridge()
	if err != nil {
		return nil, err
	}
	route := &netlink.Route{
		LinkIndex: bridge.Attrs().Index,
		Dst:       &net.IPNet{IP: net.IPv4(10, 0, 0, 0), Mask: lan},
		Src:       net.IPv4(10, 0, 0, 1),
		Scope:     netlink.SCOPE_LINK,
	}
	if err := netlink.RouteAdd(route); err != nil {
		return nil, fmt.Errorf("adding a route to the bridge: %w", err)
	}
	return &Network{bridge: bridge}, nil
}

// Close takes the network down and gives the regions' addresses back to the
// program. Nothing may be running on the hosts.
func (n *Network) Close() error {
	lo, failed := netlink.LinkByName("lo")
	for _, link := range append(n.cables, n.bridge) {
		failed = errors.Join(failed, netlink.LinkDel(link))
	}
	// Only now, because a namespace that goes takes its cable along.
	for _, host := range n.hosts {
		failed = errors.Join(failed, host.namespace.Close())
	}
	for _, number := range n.taken {
		failed = errors.Join(failed, addLocalRoute(lo, net.IPv4(10, number, 0, 0), regionMask))
	}
	if failed != nil {
		return fmt.Errorf("taking the network down: %w", failed)
	}
	return nil
}

func newBridge() (netlink.Link, error) {
	bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "lan"}}
	if err := netlink.LinkAdd(bridge); err != nil {
		return nil, fmt.Errorf("making a bridge: %w", err)
	}
	if err := netlink.LinkSetUp(bridge); err != nil {
		return nil, fmt.Errorf("bringing up the bridge: %w", err)
	}
	return bridge, nil
}

// AddNode adds a host with one address of 10.0.0.0/16, which is not 10.0.0.1.
func (n *Network) AddNode(name string, ip net.IP) (*Host, error) {
	return n.add(name, ip, func(netlink.Link) error { return nil })
}

// AddRegion adds a host to which the network of a region, 10.<number>.0.0/16,
// belongs from now on: every address in it can be listened on there, and one
// that nobody listens on refuses connections. Numbers are 1 to 9.
func (n *Network) AddRegion(name string, number int) (*Host, error) {
	if number < 1 || number > regionNetworks {
		return nil, fmt.Errorf("region %s: there is no network %d: use 1 to %d", name, number, regionNetworks)
	}
	network := net.IPv4(10, byte(number), 0, 0)
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return nil, err
	}
	if err := netlink.RouteDel(localRoute(lo, network, regionMask)); err != nil {
		return nil, fmt.Errorf("giving %s to %s: %w", network, name, err)
	}
	n.taken = append(n.taken, byte(number))
	return n.add(name, net.IPv4(10, byte(number), 0, 1), func(lo netlink.Link) error {
		return addLocalRoute(lo, network, regionMask)
	})
}

// add makes a host, joins it to the bridge, and has configure do what else
// there is to do in its namespace.
func (n *Network) add(name string, ip net.IP, configure func(lo netlink.Link) error) (*Host, error) {
	host, err := newHost(name)
	if err != nil {
		return nil, err
	}
	n.hosts = append(n.hosts, host)
	veth := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: fmt.Sprintf("host%d", len(n.hosts)), MasterIndex: n.bridge.Attrs().Index},
		PeerName:      "eth0",
		PeerNamespace: netlink.NsFd(int(host.namespace.Fd())),
	}
	if err := netlink.LinkAdd(veth); err != nil {
		return nil, fmt.Errorf("plugging %s in: %w", name, err)
	}
	n.cables = append(n.cables, veth)
	if err := netlink.LinkSetUp(veth); err != nil {
		return nil, fmt.Errorf("plugging %s in: %w", name, err)
	}
	return host, host.do(func() error {
		lo, err := bringUp("lo")
		if err != nil {
			return err
		}
		eth0, err := bringUp("eth0")
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(eth0, &netlink.Addr{IPNet: &net.IPNet{IP: ip, Mask: lan}}); err != nil {
			return fmt.Errorf("adding address %s: %w", ip, err)
		}
		return configure(lo)
	})
}

func bringUp(name string) (netlink.Link, error) {
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.LinkSetUp(link)
	}
	if err != nil {
		return nil, fmt.Errorf("bringing up %s: %w", name, err)
	}
	return link, nil
}
