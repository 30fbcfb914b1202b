// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

func addresses(texts ...string) []netip.Addr {
	var list []netip.Addr
	for _, text := range texts {
		list = append(list, netip.MustParseAddr(text))
	}
	return list
}

func testDecision() Decision {
	return Decision{
		Owner:     testOwner(),
		Service:   "llm",
		Families:  []corev1.IPFamily{corev1.IPv4Protocol},
		PortName:  "http",
		Port:      8000,
		Addresses: addresses("10.1.0.11", "10.1.0.10"),
		Seq:       7,
	}
}

func TestDesiredSlices(t *testing.T) {
	const v4, v6 = corev1.IPv4Protocol, corev1.IPv6Protocol
	type outcome struct {
		Written  map[string][]string
		Missing  []corev1.IPFamily
		Obsolete []string
	}
	tests := map[string]struct {
		families  []corev1.IPFamily
		addresses []netip.Addr
		want      outcome
	}{
		"one family, sorted by number and unique": {
			families:  []corev1.IPFamily{v4},
			addresses: addresses("10.1.0.100", "10.1.0.9", "10.1.0.100"),
			want: outcome{
				Written:  map[string][]string{"llm-breakwater-ipv4": {"10.1.0.9", "10.1.0.100"}},
				Obsolete: []string{"llm-breakwater-ipv6"},
			},
		},
		"addresses of a family that the Service lacks": {
			families:  []corev1.IPFamily{v4},
			addresses: addresses("fd00:1::1", "10.1.0.9"),
			want: outcome{
				Written:  map[string][]string{"llm-breakwater-ipv4": {"10.1.0.9"}},
				Obsolete: []string{"llm-breakwater-ipv6"},
			},
		},
		"both families": {
			families:  []corev1.IPFamily{v6, v4},
			addresses: addresses("fd00:1::1", "10.1.0.9"),
			want: outcome{Written: map[string][]string{
				"llm-breakwater-ipv4": {"10.1.0.9"},
				"llm-breakwater-ipv6": {"fd00:1::1"},
			}},
		},
		"a family without address": {
			families:  []corev1.IPFamily{v4, v6},
			addresses: addresses("10.1.0.9"),
			want: outcome{
				Written: map[string][]string{"llm-breakwater-ipv4": {"10.1.0.9"}},
				Missing: []corev1.IPFamily{v6},
			},
		},
		"no address at all": {
			families: []corev1.IPFamily{v4},
			want:     outcome{Missing: []corev1.IPFamily{v4}, Obsolete: []string{"llm-breakwater-ipv6"}},
		},
		"IPv4 in an IPv6 form is IPv4": {
			families:  []corev1.IPFamily{v4, v6},
			addresses: addresses("::ffff:10.1.0.9"),
			want: outcome{
				Written: map[string][]string{"llm-breakwater-ipv4": {"10.1.0.9"}},
				Missing: []corev1.IPFamily{v6},
			},
		},
		"families unknown: nothing is obsolete": {
			addresses: addresses("10.1.0.9"),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			decision := testDecision()
			decision.Families, decision.Addresses = test.families, test.addresses
			desired := DesiredSlices(decision)

			got := outcome{Missing: desired.Missing}
			for _, slice := range desired.Slices {
				if got.Written == nil {
					got.Written = map[string][]string{}
				}
				got.Written[slice.Name] = slice.addressStrings()
			}
			for _, slice := range desired.Obsolete {
				got.Obsolete = append(got.Obsolete, slice.Name)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("slices (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDesiredSlicesStayWithinOneSlice(t *testing.T) {
	decision := testDecision()
	decision.Addresses = nil
	for i := range MaxEndpoints + 5 {
		decision.Addresses = append(decision.Addresses, netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}))
	}
	desired := DesiredSlices(decision)
	if got := len(desired.Slices[0].Addresses); got != MaxEndpoints || desired.Omitted != 5 {
		t.Errorf("%d addresses and %d omitted, want %d and 5", got, desired.Omitted, MaxEndpoints)
	}
}

func TestSliceAsWritten(t *testing.T) {
	object := func(refs string) string {
		return `{"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","metadata":{
			"name":"llm-breakwater-ipv4","namespace":"apps",
			"labels":{"kubernetes.io/service-name":"llm","endpointslice.kubernetes.io/managed-by":"llmbackend.breakwater.dev"},
			"annotations":{"llm.breakwater.dev/transition-seq":"uid-1/7"}` + refs + `},
			"addressType":"IPv4",
			"endpoints":[{"addresses":["10.1.0.10"],"conditions":{"ready":true}},{"addresses":["10.1.0.11"],"conditions":{"ready":true}}],
			"ports":[{"name":"http","protocol":"TCP","port":8000}]}`
	}
	for retain, want := range map[bool]string{
		false: object(`,"ownerReferences":[{"apiVersion":"llm.breakwater.dev/v1alpha1","kind":"LLMBackend","name":"chat",` +
			`"uid":"uid-1","controller":true,"blockOwnerDeletion":true}]`),
		true: object(""),
	} {
		t.Run(fmt.Sprintf("retain %v", retain), func(t *testing.T) {
			decision := testDecision()
			decision.Retain = retain
			got, err := json.Marshal(DesiredSlices(decision).Slices[0].applyConfiguration())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decodeJSON(t, want), decodeJSON(t, string(got))); diff != "" {
				t.Errorf("EndpointSlice (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSliceNameIsValid(t *testing.T) {
	const longest = "a23456789012345678901234567890123456789012345678901234567890123"
	for _, family := range []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol} {
		if problems := validation.IsDNS1123Subdomain(SliceName(longest, family)); len(problems) > 0 {
			t.Errorf("%s: %v", family, problems)
		}
	}
}
