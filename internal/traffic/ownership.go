// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Claimant is an LLMBackend that names a Service as its own.
type Claimant struct {
	Name    string
	UID     types.UID
	Created time.Time
}

// ServiceOwner returns which claimant owns the Service: the incumbent if it is among them, else the
// oldest, then the one with the lower UID. Without claimants it returns "".
func ServiceOwner(claimants []Claimant, incumbent types.UID) types.UID {
	if len(claimants) == 0 {
		return ""
	}
	if slices.ContainsFunc(claimants, func(c Claimant) bool { return c.UID == incumbent }) {
		return incumbent
	}
	return slices.MinFunc(claimants, func(a, b Claimant) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.UID, b.UID))
	}).UID
}

// Incumbent returns the UID that the operator's slices of one Service carry, or "" if there is none. If
// they disagree, the slice with the lowest name decides, so that every reader comes to the same answer.
func Incumbent(endpointSlices []discoveryv1.EndpointSlice) types.UID {
	var name string
	var incumbent types.UID
	for i := range endpointSlices {
		slice := &endpointSlices[i]
		uid, _, err := ParseTransitionSeq(slice.Annotations[TransitionSeqAnnotation])
		if err != nil || !madeByOperator(slice, slice.Labels[discoveryv1.LabelServiceName]) {
			continue
		}
		if incumbent == "" || slice.Name < name {
			name, incumbent = slice.Name, uid
		}
	}
	return incumbent
}

// Foreign returns the names, sorted, of the slices for that Service which the operator did not make and
// which therefore share its traffic. Slices of other Services are ignored.
func Foreign(endpointSlices []discoveryv1.EndpointSlice, service string) []string {
	var names []string
	for i := range endpointSlices {
		slice := &endpointSlices[i]
		if slice.Labels[discoveryv1.LabelServiceName] == service && !madeByOperator(slice, service) {
			names = append(names, slice.Name)
		}
	}
	slices.Sort(names)
	return names
}

// madeByOperator reports whether a slice is one of the operator's for that Service: by its name and
// (immutable) address type, and by its managed-by label or, should somebody have edited that, its seq. A
// copy of it under another name is not: nothing would keep it up to date.
func madeByOperator(slice *discoveryv1.EndpointSlice, service string) bool {
	if slice.Name != SliceName(service, corev1.IPFamily(slice.AddressType)) {
		return false
	}
	_, _, err := ParseTransitionSeq(slice.Annotations[TransitionSeqAnnotation])
	return slice.Labels[discoveryv1.LabelManagedBy] == SliceManagedBy || err == nil
}
