// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package serviceref

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/breakwater-dev/breakwater/internal/traffic"
)

const v4, v6 = corev1.IPv4Protocol, corev1.IPv6Protocol

func service(edits ...func(*corev1.Service)) *corev1.Service {
	svc := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "vllm", Namespace: "models"},
		Spec: corev1.ServiceSpec{
			IPFamilies: []corev1.IPFamily{v4, v6},
			Ports: []corev1.ServicePort{
				{Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP},
				{Name: "http", Port: 80, Protocol: corev1.ProtocolTCP},
				{Name: "metrics", Port: 9090, Protocol: corev1.ProtocolTCP},
			},
		},
	}
	for _, e := range edits {
		e(svc)
	}
	return svc
}

// slice has the endpoints listen on that number by the name http, and on 9090 by the name metrics.
func slice(number int32, endpoints ...discoveryv1.Endpoint) discoveryv1.EndpointSlice {
	port := func(name string, protocol corev1.Protocol, number int32) discoveryv1.EndpointPort {
		return discoveryv1.EndpointPort{Name: &name, Protocol: &protocol, Port: &number}
	}
	return discoveryv1.EndpointSlice{Endpoints: endpoints, Ports: []discoveryv1.EndpointPort{
		port("http", corev1.ProtocolUDP, 1), port("metrics", corev1.ProtocolTCP, 9090), port("http", corev1.ProtocolTCP, number),
	}}
}

func endpoint(address string, edits ...func(*discoveryv1.EndpointConditions)) discoveryv1.Endpoint {
	e := discoveryv1.Endpoint{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: new(true)}}
	for _, edit := range edits {
		edit(&e.Conditions)
	}
	return e
}

func unready(c *discoveryv1.EndpointConditions)     { c.Ready = new(false) }
func unknown(c *discoveryv1.EndpointConditions)     { c.Ready = nil }
func terminating(c *discoveryv1.EndpointConditions) { c.Terminating = new(true) }
func staying(c *discoveryv1.EndpointConditions)     { c.Terminating = new(false) }

func TestReady(t *testing.T) {
	byNumber, byName := intstr.FromInt32(80), intstr.FromString("http")
	for name, test := range map[string]struct {
		svc      *corev1.Service
		slices   []discoveryv1.EndpointSlice
		port     intstr.IntOrString
		families []corev1.IPFamily
		want     Endpoints
		problem  Problem
	}{
		"sorted, each once, of all slices": {
			service(), []discoveryv1.EndpointSlice{
				slice(8000, endpoint("10.0.0.2"), endpoint("10.0.0.1")), slice(8000, endpoint("10.0.0.1"), endpoint("10.0.0.10")),
			}, byNumber, nil, endpoints(8000, "10.0.0.1", "10.0.0.2", "10.0.0.10"), "",
		},
		"by name": {service(), []discoveryv1.EndpointSlice{slice(8000, endpoint("10.0.0.1"))}, byName, nil, endpoints(8000, "10.0.0.1"), ""},
		"another port": {service(), []discoveryv1.EndpointSlice{slice(8000, endpoint("10.0.0.1"))},
			intstr.FromInt32(9090), nil, endpoints(9090, "10.0.0.1"), ""},
		"ready or not": {
			service(), []discoveryv1.EndpointSlice{slice(8000,
				endpoint("10.0.0.1", unknown), endpoint("10.0.0.2", unready), endpoint("10.0.0.3", terminating), endpoint("10.0.0.4", staying),
			)}, byNumber, nil, endpoints(8000, "10.0.0.1", "10.0.0.4"), "",
		},
		"the first address counts": {
			service(), []discoveryv1.EndpointSlice{slice(8000, discoveryv1.Endpoint{Addresses: []string{"10.0.0.1", "10.0.0.2"}}, discoveryv1.Endpoint{})},
			byNumber, nil, endpoints(8000, "10.0.0.1"), "",
		},
		"names are no addresses": {service(), []discoveryv1.EndpointSlice{slice(8000, endpoint("vllm.example.com"))}, byNumber, nil, Endpoints{}, NoReadyEndpoints},
		"the number of most": {
			service(), []discoveryv1.EndpointSlice{slice(8000, endpoint("10.0.0.1")), slice(8080, endpoint("10.0.0.2"), endpoint("10.0.0.3"))},
			byName, nil, endpoints(8080, "10.0.0.2", "10.0.0.3"), "",
		},
		"the lower of two numbers": {
			service(), []discoveryv1.EndpointSlice{slice(8080, endpoint("10.0.0.2")), slice(8000, endpoint("10.0.0.1"))},
			byName, nil, endpoints(8000, "10.0.0.1"), "",
		},
		"ports without names": {
			service(func(s *corev1.Service) { s.Spec.Ports = []corev1.ServicePort{{Port: 80}} }),
			[]discoveryv1.EndpointSlice{{Endpoints: []discoveryv1.Endpoint{endpoint("10.0.0.1")}, Ports: []discoveryv1.EndpointPort{{Port: new(int32(8000))}}}},
			byNumber, nil, endpoints(8000, "10.0.0.1"), "",
		},
		"both families": {
			service(), []discoveryv1.EndpointSlice{slice(8000, endpoint("10.0.0.1")), slice(8000, endpoint("fd00::1"))},
			byNumber, []corev1.IPFamily{v4, v6}, endpoints(8000, "10.0.0.1", "fd00::1"), "",
		},
		"only the needed family": {
			service(), []discoveryv1.EndpointSlice{slice(8000, endpoint("10.0.0.1")), slice(8000, endpoint("fd00::1"))},
			byNumber, []corev1.IPFamily{v6}, endpoints(8000, "fd00::1"), "",
		},
		"not ready in one family": {
			service(), []discoveryv1.EndpointSlice{slice(8000, endpoint("10.0.0.1")), slice(8000, endpoint("fd00::1", unready))},
			byNumber, []corev1.IPFamily{v4, v6}, Endpoints{}, NoReadyEndpoints,
		},
		"a family that the Service lacks": {
			service(func(s *corev1.Service) { s.Spec.IPFamilies = []corev1.IPFamily{v4} }), nil,
			byNumber, []corev1.IPFamily{v4, v6}, Endpoints{}, AddressFamily,
		},
		"no slice":             {service(), nil, byNumber, nil, Endpoints{}, NoReadyEndpoints},
		"no endpoint":          {service(), []discoveryv1.EndpointSlice{slice(8000)}, byNumber, nil, Endpoints{}, NoReadyEndpoints},
		"port not in a slice":  {service(), []discoveryv1.EndpointSlice{{Endpoints: []discoveryv1.Endpoint{endpoint("10.0.0.1")}}}, byNumber, nil, Endpoints{}, NoReadyEndpoints},
		"no such Service":      {nil, nil, byNumber, nil, Endpoints{}, NotFound},
		"no such number":       {service(), nil, intstr.FromInt32(8000), nil, Endpoints{}, PortNotFound},
		"no such name":         {service(), nil, intstr.FromString("https"), nil, Endpoints{}, PortNotFound},
		"a UDP port":           {service(), nil, intstr.FromInt32(53), nil, Endpoints{}, PortNotFound},
		"type ExternalName":    {service(func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeExternalName }), nil, byNumber, nil, Endpoints{}, ExternalName},
		"a published Service":  {service(func(s *corev1.Service) { s.Annotations = map[string]string{traffic.BackendAnnotation: "chat"} }), nil, byNumber, nil, Endpoints{}, Published},
		"a Service with label": {service(func(s *corev1.Service) { s.Labels = map[string]string{"a": "b"} }), nil, byNumber, nil, Endpoints{}, NoReadyEndpoints},
	} {
		t.Run(name, func(t *testing.T) {
			got, problem := Ready(test.svc, test.slices, test.port, test.families)
			if diff := cmp.Diff(test.want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" || problem != test.problem {
				t.Errorf("problem %q, want %q; endpoints (-want +got):\n%s", problem, test.problem, diff)
			}
		})
	}
}

func endpoints(port uint16, addresses ...string) Endpoints {
	e := Endpoints{Port: port}
	for _, a := range addresses {
		e.Addresses = append(e.Addresses, netip.MustParseAddr(a))
	}
	return e
}
