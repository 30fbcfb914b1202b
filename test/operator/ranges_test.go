// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"net/netip"
	"testing"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// What the administrator denies is neither connected to nor published, by whatever name.
func TestDeniedRanges(t *testing.T) {
	w := newWorld(t)
	east, denied := w.region(0), w.region(1)
	w.names().set(eastHost, w.address(0), w.address(1))
	w.ranges.Denied = []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr(w.address(1)), 32)}
	west := w.serveByName()
	w.apply(makeLLMBackend("direct").primary("us-east", denied.URL()).obj())

	w.awaitActive("chat", "us-east")
	w.awaitCondition("direct", "Stalled=True AddressRefused")
	w.awaitProbes(3, east, west)
	for _, slice := range w.slices() {
		if slice != chatSlice+" seq=0 "+east.Addr() {
			t.Errorf("slice %s is published", slice)
		}
	}
	if n := denied.Connections(); n > 0 {
		t.Errorf("%d connections to an address that is denied", n)
	}
}

// Addresses outside of what is allowed are denied, also if they were published before that was said, and also while
// nothing answers, which is when what is published stays otherwise.
func TestAllowedRanges(t *testing.T) {
	w := newWorld(t)
	east, later := w.region(0), w.region(1)
	w.names().set(eastHost, w.address(0), w.address(1))
	w.serveByName(func(s *llmv1alpha1.LLMBackendSpec) { s.Failover.Mode = llmv1alpha1.FailoverDisabled })
	w.awaitActive("chat", "us-east")
	w.awaitProbes(2, east, later)
	w.awaitSlices(chatSlice + " seq=0 " + w.address(0) + "," + later.Addr())

	w.stop()
	w.set(east, lab.Hang())
	before := later.Connections()
	w.ranges = probe.Ranges{Allowed: []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr(w.address(0)), 32)}}
	w.start()
	w.awaitSlices(chatSlice + " seq=0 " + east.Addr())
	w.awaitProbes(3, east)
	if n := later.Connections() - before; n > 0 {
		t.Errorf("%d connections to an address that is not allowed", n)
	}
}
