// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
)

// clusterIPReason is what a person reads of an address that is the cluster IP of a Service.
const clusterIPReason = "the address is the cluster IP of a Service, which would answer probes and swallow the traffic"

// newClusterIPs returns the set of the cluster IPs of all Services that the cache sees.
func newClusterIPs() *addressSet { return &addressSet{reason: clusterIPReason, of: clusterIPsOf} }

func clusterIPsOf(obj any) []netip.Addr {
	svc, ok := obj.(*corev1.Service)
	if !ok {
		return nil
	}
	return parseAddresses(svc.Spec.ClusterIPs)
}
