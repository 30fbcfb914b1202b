// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package serviceref says where a reference to a Service leads: to the addresses of its ready endpoints, or
// nowhere and why. It is pure: the caller reads the objects.
package serviceref

import (
	"cmp"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/breakwater-dev/breakwater/internal/traffic"
)

// Problem says in one word why a reference leads nowhere; empty if it leads somewhere.
type Problem string

// The problems of a reference.
const (
	// NotFound: there is no such Service.
	NotFound Problem = "ServiceNotFound"
	// NotPermitted: the Service is in another namespace, which does not allow the reference.
	NotPermitted Problem = "RefNotPermitted"
	// ExternalName: the Service is a DNS alias and has no endpoints.
	ExternalName Problem = "ExternalNameService"
	// Published: an LLMBackend publishes the Service, whose endpoints so are those of its active region.
	Published Problem = "PublishedService"
	// PortNotFound: the Service has no such TCP port.
	PortNotFound Problem = "ServicePortNotFound"
	// AddressFamily: the Service lacks a family that is needed.
	AddressFamily Problem = "AddressFamily"
	// NoReadyEndpoints: in a family that is needed no endpoint is ready.
	NoReadyEndpoints Problem = "NoReadyEndpoints"
)

// Endpoints are addresses, sorted and each once, and the port on which they listen.
type Endpoints struct {
	Addresses []netip.Addr
	Port      uint16
}

// Ready returns the ready endpoints of a port of the Service, by its number or name, in the families that are
// needed; none means any. endpointSlices are those of the Service; svc is nil if there is none.
//
// A port's name can lead to different numbers in different Pods, while a region has one. That of most
// endpoints is taken, the lower one of two: so a roll-out that changes it moves over in the middle.
func Ready(svc *corev1.Service, endpointSlices []discoveryv1.EndpointSlice, port intstr.IntOrString, families []corev1.IPFamily) (Endpoints, Problem) {
	if svc == nil {
		return Endpoints{}, NotFound
	}
	if svc.Spec.Type == corev1.ServiceTypeExternalName {
		return Endpoints{}, ExternalName
	}
	if _, published := svc.Annotations[traffic.BackendAnnotation]; published {
		return Endpoints{}, Published
	}
	name, ok := portName(svc, port)
	if !ok {
		return Endpoints{}, PortNotFound
	}
	for _, f := range families {
		if !slices.Contains(svc.Spec.IPFamilies, f) {
			return Endpoints{}, AddressFamily
		}
	}
	ready := ofMost(readyByPort(endpointSlices, name, families))
	if len(ready.Addresses) == 0 {
		return Endpoints{}, NoReadyEndpoints
	}
	for _, f := range families {
		if !slices.ContainsFunc(ready.Addresses, func(a netip.Addr) bool { return familyOf(a) == f }) {
			return Endpoints{}, NoReadyEndpoints
		}
	}
	return ready, ""
}

// portName returns the name of the Service's TCP port, which may be empty: endpoints have their ports by it.
func portName(svc *corev1.Service, port intstr.IntOrString) (string, bool) {
	for _, p := range svc.Spec.Ports {
		named := port.Type == intstr.String && p.Name == port.StrVal
		numbered := port.Type == intstr.Int && p.Port == port.IntVal
		if (named || numbered) && (p.Protocol == corev1.ProtocolTCP || p.Protocol == "") {
			return p.Name, true
		}
	}
	return "", false
}

// readyByPort returns the addresses of the ready endpoints by the number that the named port has there.
func readyByPort(endpointSlices []discoveryv1.EndpointSlice, name string, families []corev1.IPFamily) map[uint16][]netip.Addr {
	found := map[uint16][]netip.Addr{}
	for i := range endpointSlices {
		slice := &endpointSlices[i]
		number, ok := portNumber(slice, name)
		if !ok {
			continue
		}
		for j := range slice.Endpoints {
			addr, ok := readyAddress(&slice.Endpoints[j])
			if ok && (len(families) == 0 || slices.Contains(families, familyOf(addr))) {
				found[number] = append(found[number], addr)
			}
		}
	}
	return found
}

func portNumber(slice *discoveryv1.EndpointSlice, name string) (uint16, bool) {
	for _, p := range slice.Ports {
		named := p.Name == nil && name == "" || p.Name != nil && *p.Name == name
		tcp := p.Protocol == nil || *p.Protocol == corev1.ProtocolTCP
		if named && tcp && p.Port != nil {
			return uint16(*p.Port), true
		}
	}
	return 0, false
}

// readyAddress returns the address of an endpoint that is ready and not about to end. A readiness that is not
// known counts as ready, as Kubernetes has it, and of several addresses the first counts, as for kube-proxy.
func readyAddress(e *discoveryv1.Endpoint) (netip.Addr, bool) {
	unready := e.Conditions.Ready != nil && !*e.Conditions.Ready
	terminating := e.Conditions.Terminating != nil && *e.Conditions.Terminating
	if unready || terminating || len(e.Addresses) == 0 {
		return netip.Addr{}, false
	}
	addr, err := netip.ParseAddr(e.Addresses[0])
	return addr.Unmap(), err == nil // a slice of type FQDN holds names
}

// ofMost returns the endpoints of the port that most have.
func ofMost(byPort map[uint16][]netip.Addr) Endpoints {
	var most Endpoints
	for port, addresses := range byPort {
		slices.SortFunc(addresses, netip.Addr.Compare)
		addresses = slices.Compact(addresses)
		more := cmp.Or(cmp.Compare(len(addresses), len(most.Addresses)), cmp.Compare(most.Port, port))
		if more > 0 {
			most = Endpoints{Addresses: addresses, Port: port}
		}
	}
	return most
}

func familyOf(a netip.Addr) corev1.IPFamily {
	if a.Is4() {
		return corev1.IPv4Protocol
	}
	return corev1.IPv6Protocol
}
