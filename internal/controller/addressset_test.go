// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/client-go/tools/cache"
)

func TestClusterIPs(t *testing.T) {
	service := func(ips ...string) *corev1.Service {
		return &corev1.Service{Spec: corev1.ServiceSpec{ClusterIPs: ips}}
	}
	c := newClusterIPs()
	h := c.Handler()
	refused := func(addr string) bool {
		_, ok := c.Check(netip.MustParseAddr(addr))
		return !ok
	}

	h.OnAdd(service("10.96.0.10", "fd00:96::10"), true)
	h.OnAdd(service("None"), true)
	if !refused("10.96.0.10") || !refused("fd00:96::10") || !refused("::ffff:10.96.0.10") {
		t.Error("the cluster IPs of a Service are not refused")
	}
	if refused("10.96.0.11") {
		t.Error("an address that no Service has is refused")
	}
	h.OnUpdate(service("10.96.0.10", "fd00:96::10"), service("10.96.0.11"))
	if refused("10.96.0.10") || !refused("10.96.0.11") {
		t.Error("an update of a Service is not followed")
	}
	h.OnDelete(cache.DeletedFinalStateUnknown{Obj: service("10.96.0.11")})
	if refused("10.96.0.11") {
		t.Error("the deletion of a Service is not followed")
	}
}

func TestAPIServers(t *testing.T) {
	slice := func(namespace, service string, addrs ...string) *discoveryv1.EndpointSlice {
		s := &discoveryv1.EndpointSlice{}
		s.Namespace, s.Labels = namespace, map[string]string{discoveryv1.LabelServiceName: service}
		for _, addr := range addrs {
			s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{addr}})
		}
		return s
	}
	a := newAPIServers("https://[fd00:96::1]:443")
	h := a.Handler()
	h.OnAdd(slice("default", "kubernetes", "10.0.0.1", "10.0.0.2"), true)
	h.OnAdd(slice("default", "other", "10.0.0.3"), true)
	h.OnAdd(slice("apps", "kubernetes", "10.0.0.4"), true)
	wantRefused := func(when string, want map[string]bool) {
		t.Helper()
		for addr, refused := range want {
			if _, ok := a.Check(netip.MustParseAddr(addr)); ok == refused {
				t.Errorf("%s: %s is refused: %t, want %t", when, addr, !ok, refused)
			}
		}
	}
	wantRefused("at first", map[string]bool{
		"fd00:96::1": true, "10.0.0.1": true, "::ffff:10.0.0.2": true, "10.0.0.3": false, "10.0.0.4": false,
	})
	h.OnUpdate(slice("default", "kubernetes", "10.0.0.1", "10.0.0.2"), slice("default", "kubernetes", "10.0.0.2", "10.0.0.5"))
	wantRefused("another control plane node", map[string]bool{"10.0.0.1": false, "10.0.0.2": true, "10.0.0.5": true})
}
