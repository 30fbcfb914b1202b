// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/netip"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

// clusterIPReason is what a person reads of an address that is the cluster IP of a Service.
const clusterIPReason = "the address is the cluster IP of a Service, which would answer probes and swallow the traffic"

// ClusterIPs is the set of the cluster IPs of all Services that the cache sees. It is safe for concurrent
// use: probes look every address up at the moment of the dial.
type ClusterIPs struct {
	mu    sync.RWMutex
	count map[netip.Addr]int
}

// Check refuses the addresses of the set. It has the form of a [probe.Check].
func (c *ClusterIPs) Check(addr netip.Addr) (reason string, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.count[addr.Unmap()] > 0 {
		return clusterIPReason, false
	}
	return "", true
}

// Handler keeps the set up to date from an informer on Services.
func (c *ClusterIPs) Handler() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { c.replace(nil, obj) },
		UpdateFunc: func(before, after any) { c.replace(before, after) },
		DeleteFunc: func(obj any) {
			if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = gone.Obj
			}
			c.replace(obj, nil)
		},
	}
}

func (c *ClusterIPs) replace(before, after any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == nil {
		c.count = map[netip.Addr]int{}
	}
	for _, addr := range clusterIPsOf(before) {
		if c.count[addr]--; c.count[addr] <= 0 {
			delete(c.count, addr)
		}
	}
	for _, addr := range clusterIPsOf(after) {
		c.count[addr]++
	}
}

func clusterIPsOf(obj any) []netip.Addr {
	svc, ok := obj.(*corev1.Service)
	if !ok {
		return nil
	}
	var addrs []netip.Addr
	for _, ip := range svc.Spec.ClusterIPs {
		if addr, err := netip.ParseAddr(ip); err == nil { // not the "None" of a headless Service
			addrs = append(addrs, addr)
		}
	}
	return addrs
}
