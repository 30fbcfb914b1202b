// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/netip"
	"sync"

	"k8s.io/client-go/tools/cache"
)

// addressSet is the set of the addresses that the objects of an informer have. It is safe for concurrent use:
// probes look every address up at the moment of the dial.
type addressSet struct {
	reason string // what a person reads of an address in the set
	of     func(obj any) []netip.Addr

	mu    sync.RWMutex
	count map[netip.Addr]int
}

// Check refuses the addresses of the set. It has the form of a [probe.Check].
func (s *addressSet) Check(addr netip.Addr) (reason string, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.count[addr.Unmap()] > 0 {
		return s.reason, false
	}
	return "", true
}

// Handler keeps the set up to date from an informer.
func (s *addressSet) Handler() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { s.replace(nil, s.of(obj)) },
		UpdateFunc: func(before, after any) { s.replace(s.of(before), s.of(after)) },
		DeleteFunc: func(obj any) {
			if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = gone.Obj
			}
			s.replace(s.of(obj), nil)
		},
	}
}

func (s *addressSet) replace(before, after []netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == nil {
		s.count = map[netip.Addr]int{}
	}
	for _, addr := range before {
		if s.count[addr]--; s.count[addr] <= 0 {
			delete(s.count, addr)
		}
	}
	for _, addr := range after {
		s.count[addr]++
	}
}

// parseAddresses leaves out what is no address, such as the "None" of a headless Service.
func parseAddresses(texts []string) []netip.Addr {
	var addrs []netip.Addr
	for _, text := range texts {
		if addr, err := netip.ParseAddr(text); err == nil {
			addrs = append(addrs, addr.Unmap())
		}
	}
	return addrs
}
