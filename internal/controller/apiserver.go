// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/netip"
	"net/url"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// apiServerReason is what a person reads of an address of the API server.
const apiServerReason = "the address is the API server's own, which is no region"

// newAPIServers returns the set of the API server's own addresses: the endpoints of the Service default/kubernetes,
// as far as the cache sees them, and the address that the operator itself connects to.
func newAPIServers(host string) *addressSet {
	s := &addressSet{reason: apiServerReason, of: apiServersOf}
	if u, err := url.Parse(host); err == nil {
		s.replace(nil, parseAddresses([]string{u.Hostname()}))
	}
	return s
}

func apiServersOf(obj any) []netip.Addr {
	slice, ok := obj.(*discoveryv1.EndpointSlice)
	if !ok || slice.Namespace != corev1.NamespaceDefault || slice.Labels[discoveryv1.LabelServiceName] != "kubernetes" {
		return nil
	}
	var addrs []netip.Addr
	for _, e := range slice.Endpoints {
		addrs = append(addrs, parseAddresses(e.Addresses)...)
	}
	return addrs
}
