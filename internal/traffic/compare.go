// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// Verdict says how an existing EndpointSlice relates to the desired one.
type Verdict string

// The verdicts of Compare.
const (
	// Current: there is nothing to do.
	Current Verdict = "Current"
	// Outdated: it shows an older decision of the same owner, or was edited, and is to be written.
	Outdated Verdict = "Outdated"
	// Newer: it shows a newer decision of the same owner, and is not to be overwritten.
	Newer Verdict = "Newer"
	// TakeOver: it is another LLMBackend's, or does not say whose. Seqs of different UIDs do not compare,
	// so it may be written only if that owner is gone or yields.
	TakeOver Verdict = "TakeOver"
	// NotOurs: the operator did not make it.
	NotOurs Verdict = "NotOurs"
)

// Compare compares a slice on the API server with the desired one of the same name: endpoints, ports,
// labels, the seq annotation and owner references. Labels and annotations that others added do not count.
func Compare(existing *discoveryv1.EndpointSlice, desired Slice) Verdict {
	uid, seq, err := ParseTransitionSeq(existing.Annotations[TransitionSeqAnnotation])
	switch {
	case !madeByOperator(existing, desired.Service):
		return NotOurs
	case err != nil || uid != desired.Owner.UID:
		return TakeOver
	case seq > desired.Seq:
		return Newer
	case seq < desired.Seq || !sameContent(existing, desired):
		return Outdated
	}
	return Current
}

func sameContent(existing *discoveryv1.EndpointSlice, desired Slice) bool {
	for key, value := range desired.labels() {
		if existing.Labels[key] != value {
			return false
		}
	}
	return ownersCurrent(existing.OwnerReferences, desired.Owner, desired.Retain) &&
		samePort(existing.Ports, desired) &&
		sameEndpoints(existing.Endpoints, desired)
}

func samePort(existing []discoveryv1.EndpointPort, desired Slice) bool {
	protocol := corev1.ProtocolTCP
	return equality.Semantic.DeepEqual(existing, []discoveryv1.EndpointPort{
		{Name: &desired.PortName, Protocol: &protocol, Port: &desired.Port},
	})
}

func sameEndpoints(existing []discoveryv1.Endpoint, desired Slice) bool {
	if len(existing) != len(desired.Addresses) {
		return false
	}
	ready := true
	for i, address := range desired.Addresses {
		endpoint := discoveryv1.Endpoint{
			Addresses:  []string{address.String()},
			Conditions: discoveryv1.EndpointConditions{Ready: &ready},
		}
		if !equality.Semantic.DeepEqual(existing[i], endpoint) {
			return false
		}
	}
	return true
}
