// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	discoveryv1apply "k8s.io/client-go/applyconfigurations/discovery/v1"
)

// MaxEndpoints is how many endpoints the API server allows in one EndpointSlice.
const MaxEndpoints = 1000

// Decision is what the caller wants the slices of a Service to show.
type Decision struct {
	Owner Owner
	// Service, in the namespace of the owner, is the one that clients call.
	Service string
	// Families are those of the Service, from its spec.ipFamilies.
	Families []corev1.IPFamily
	// PortName is the name of the Service's port, and may be empty.
	PortName string
	// Port is where the addresses listen, which may differ from the port of the Service.
	Port int32
	// Addresses are those to publish, in any order.
	Addresses []netip.Addr
	// Seq is the number of the region change that chose the addresses.
	Seq int64
	// Retain leaves out the owner reference, so that the slices outlive the LLMBackend.
	Retain bool
	// TakeOver allows slices of another LLMBackend, or without a readable seq, to be replaced. The caller
	// sets it if their owner is gone or yields the Service.
	TakeOver bool
}

// Desired is what a Decision means for the EndpointSlices.
type Desired struct {
	// Slices are those to write: one per family of the Service that has addresses.
	Slices []Slice
	// Missing are the families of the Service without an address. Their slices stay as they are: a slice
	// is never emptied.
	Missing []corev1.IPFamily
	// Omitted counts the addresses beyond MaxEndpoints per family.
	Omitted int
	// Obsolete are the slices of families that the Service does not have, to be deleted if they exist.
	Obsolete []Slice
	// TakeOver is that of the Decision.
	TakeOver bool
}

// Slice is one EndpointSlice as the operator writes it.
type Slice struct {
	Name    string
	Service string
	Owner   Owner
	Seq     int64
	Retain  bool

	Family    corev1.IPFamily
	Addresses []netip.Addr // sorted, unique, all of Family
	PortName  string
	Port      int32
}

// DesiredSlices translates a decision into slices, IPv4 first.
func DesiredSlices(d Decision) Desired {
	desired := Desired{TakeOver: d.TakeOver}
	for _, family := range []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol} {
		slice := Slice{
			Name:     SliceName(d.Service, family),
			Service:  d.Service,
			Owner:    d.Owner,
			Seq:      d.Seq,
			Retain:   d.Retain,
			Family:   family,
			PortName: d.PortName,
			Port:     d.Port,
		}
		addresses := addressesOf(family, d.Addresses)
		switch {
		case len(d.Families) == 0:
			// A Service whose families are unknown is no reason to delete anything.
		case !slices.Contains(d.Families, family):
			desired.Obsolete = append(desired.Obsolete, slice)
		case len(addresses) == 0:
			desired.Missing = append(desired.Missing, family)
		default:
			slice.Addresses = addresses[:min(len(addresses), MaxEndpoints)]
			desired.Omitted += len(addresses) - len(slice.Addresses)
			desired.Slices = append(desired.Slices, slice)
		}
	}
	return desired
}

// SliceName returns the name of the operator's slice for a Service and family. The result is a valid name
// for every valid Service name (at most 63 characters).
func SliceName(service string, family corev1.IPFamily) string {
	return service + "-breakwater-" + strings.ToLower(string(family))
}

func addressesOf(family corev1.IPFamily, addresses []netip.Addr) []netip.Addr {
	var selected []netip.Addr
	for _, address := range addresses {
		address = address.Unmap()
		if (family == corev1.IPv4Protocol && address.Is4()) || (family == corev1.IPv6Protocol && address.Is6()) {
			selected = append(selected, address)
		}
	}
	slices.SortFunc(selected, netip.Addr.Compare)
	return slices.Compact(selected)
}

func (s Slice) labels() map[string]string {
	return map[string]string{
		discoveryv1.LabelServiceName: s.Service,
		discoveryv1.LabelManagedBy:   SliceManagedBy,
	}
}

func (s Slice) addressType() discoveryv1.AddressType {
	return discoveryv1.AddressType(s.Family)
}

func (s Slice) addressStrings() []string {
	var addresses []string
	for _, address := range s.Addresses {
		addresses = append(addresses, address.String())
	}
	return addresses
}

// applyConfiguration returns the slice as it is created or applied.
func (s Slice) applyConfiguration() *discoveryv1apply.EndpointSliceApplyConfiguration {
	config := discoveryv1apply.EndpointSlice(s.Name, s.Owner.Namespace).
		WithLabels(s.labels()).
		WithAnnotations(map[string]string{TransitionSeqAnnotation: FormatTransitionSeq(s.Owner.UID, s.Seq)}).
		WithAddressType(s.addressType()).
		WithPorts(discoveryv1apply.EndpointPort().
			WithName(s.PortName).
			WithProtocol(corev1.ProtocolTCP).
			WithPort(s.Port))
	// One endpoint per address: kube-proxy reads only the first address of an endpoint.
	for _, address := range s.addressStrings() {
		config.WithEndpoints(discoveryv1apply.Endpoint().
			WithAddresses(address).
			WithConditions(discoveryv1apply.EndpointConditions().WithReady(true)))
	}
	if !s.Retain {
		config.WithOwnerReferences(s.Owner.reference())
	}
	return config
}
