// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestServiceOwner(t *testing.T) {
	old, young := time.Unix(100, 0), time.Unix(200, 0)
	a := Claimant{Name: "a", UID: "uid-a", Created: young}
	b := Claimant{Name: "b", UID: "uid-b", Created: old}
	c := Claimant{Name: "c", UID: "uid-c", Created: old}
	tests := map[string]struct {
		claimants []Claimant
		incumbent types.UID
		want      types.UID
	}{
		"none":                               {want: ""},
		"none but an incumbent":              {incumbent: "uid-a", want: ""},
		"alone":                              {claimants: []Claimant{a}, want: "uid-a"},
		"the incumbent, though the youngest": {claimants: []Claimant{c, b, a}, incumbent: "uid-a", want: "uid-a"},
		"the incumbent is gone":              {claimants: []Claimant{a, b}, incumbent: "uid-x", want: "uid-b"},
		"the oldest":                         {claimants: []Claimant{a, b}, want: "uid-b"},
		"of the same age, the lower UID":     {claimants: []Claimant{c, b}, want: "uid-b"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := ServiceOwner(test.claimants, test.incumbent); got != test.want {
				t.Errorf("ServiceOwner = %q, want %q", got, test.want)
			}
		})
	}
}

func storedSlice(name, service, managedBy, seq string, addressType discoveryv1.AddressType) discoveryv1.EndpointSlice {
	slice := discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: addressType,
	}
	if managedBy != "" {
		slice.Labels[discoveryv1.LabelManagedBy] = managedBy
	}
	if seq != "" {
		slice.Annotations = map[string]string{TransitionSeqAnnotation: seq}
	}
	return slice
}

func TestForeignAndIncumbent(t *testing.T) {
	const v4, v6 = discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6
	ours4 := storedSlice("llm-breakwater-ipv4", "llm", SliceManagedBy, "uid-1/7", v4)
	ours6 := storedSlice("llm-breakwater-ipv6", "llm", SliceManagedBy, "uid-0/9", v6)
	kubernetes := storedSlice("llm-x7k2p", "llm", "endpointslice-controller.k8s.io", "", v4)
	mirrored := storedSlice("llm-a1b2c", "llm", "endpointslicemirroring-controller.k8s.io", "", v4)
	tests := map[string]struct {
		slices        []discoveryv1.EndpointSlice
		wantForeign   []string
		wantIncumbent types.UID
	}{
		"nothing": {},
		"ours only, and the first name decides": {
			slices:        []discoveryv1.EndpointSlice{ours6, ours4},
			wantIncumbent: "uid-1",
		},
		"left-overs of a selector, sorted": {
			slices:        []discoveryv1.EndpointSlice{kubernetes, ours4, mirrored},
			wantForeign:   []string{"llm-a1b2c", "llm-x7k2p"},
			wantIncumbent: "uid-1",
		},
		"slices of another Service": {
			slices: []discoveryv1.EndpointSlice{storedSlice("web-abcde", "web", "endpointslice-controller.k8s.io", "", v4)},
		},
		"a copy of ours under another name": {
			slices:      []discoveryv1.EndpointSlice{storedSlice("llm-copy", "llm", SliceManagedBy, "uid-1/7", v4)},
			wantForeign: []string{"llm-copy"},
		},
		"our name, made by somebody else": {
			slices:      []discoveryv1.EndpointSlice{storedSlice("llm-breakwater-ipv4", "llm", "", "", v4)},
			wantForeign: []string{"llm-breakwater-ipv4"},
		},
		"our name with the wrong type": {
			slices:      []discoveryv1.EndpointSlice{storedSlice("llm-breakwater-ipv4", "llm", SliceManagedBy, "uid-1/7", v6)},
			wantForeign: []string{"llm-breakwater-ipv4"},
		},
		"ours with its managed-by label edited": {
			slices:        []discoveryv1.EndpointSlice{storedSlice("llm-breakwater-ipv4", "llm", "me", "uid-1/7", v4)},
			wantIncumbent: "uid-1",
		},
		"ours with its seq edited": {
			slices: []discoveryv1.EndpointSlice{storedSlice("llm-breakwater-ipv4", "llm", SliceManagedBy, "seven", v4)},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.wantForeign, Foreign(test.slices, "llm")); diff != "" {
				t.Errorf("foreign (-want +got):\n%s", diff)
			}
			if got := Incumbent(test.slices); got != test.wantIncumbent {
				t.Errorf("incumbent %q, want %q", got, test.wantIncumbent)
			}
		})
	}
}
