// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

func TestClusterIPs(t *testing.T) {
	service := func(ips ...string) *corev1.Service {
		return &corev1.Service{Spec: corev1.ServiceSpec{ClusterIPs: ips}}
	}
	var c ClusterIPs
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
