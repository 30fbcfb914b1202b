// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// trapService makes a Service and has a region listen on its cluster IP, so that a connection to it would be
// seen.
func (w *world) trapService(name string, edits ...func(*corev1.Service)) (*corev1.Service, *lab.Region) {
	w.t.Helper()
	svc := makeService(name, edits...)
	w.create(svc, name, w.ns)
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		w.t.Fatal(err)
	}
	local := &netlink.Route{
		LinkIndex: lo.Attrs().Index,
		Dst:       &net.IPNet{IP: net.ParseIP(svc.Spec.ClusterIP), Mask: net.CIDRMask(32, 32)},
		Type:      unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: unix.RT_SCOPE_HOST,
	}
	if err := netlink.RouteAdd(local); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := netlink.RouteDel(local); err != nil {
			w.t.Error(err)
		}
	})
	return svc, w.regionAt(svc.Spec.ClusterIP + ":8000")
}

func wantNoConnection(t *testing.T, trap *lab.Region) {
	t.Helper()
	if n := trap.Connections(); n > 0 {
		t.Errorf("%d connections to the cluster IP of a Service, want none", n)
	}
}

func TestPrimaryAtAClusterIP(t *testing.T) {
	w := newWorld(t)
	_, trap := w.trapService("vllm")
	east, west := w.region(0), w.region(1)
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", trap.URL()).secondary("eu-west", west.URL()).obj())
	b := w.awaitCondition("chat", "Stalled=True ClusterIPEndpoint")
	w.wantConditions(b, "Published=False Pending", "Ready=False NotPublished")
	w.awaitEvent("chat", llmv1alpha1.ReasonClusterIPEndpoint)
	w.awaitProbes(2, west)
	w.wantSlices()
	wantNoConnection(t, trap)

	w.edit("chat", primaryURL(east.URL()))
	b = w.awaitCondition("chat", "Ready=True Serving")
	w.wantHistory(b)
	w.wantSlices(chatSlice + " seq=0 " + east.Addr())
	w.await("chat", "no longer Stalled", func(b *llmv1alpha1.LLMBackend) bool {
		return !hasReason(b, llmv1alpha1.ConditionStalled, llmv1alpha1.ReasonClusterIPEndpoint)
	})
	wantNoConnection(t, trap)
}

// A secondary region at a cluster IP is no candidate, until that Service is gone.
func TestSecondaryAtAClusterIP(t *testing.T) {
	w := newWorld(t)
	svc, trap := w.trapService("vllm")
	east := w.region(0)
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", east.URL()).secondary("eu-west", trap.URL()).obj())
	w.awaitCondition("chat", "Stalled=True ClusterIPEndpoint")
	w.wantConditions(w.awaitActive("chat", "us-east"), "Ready=True Serving")

	w.set(east, lab.Status(503))
	b := w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonNoHealthyRegion)
	w.wantHistory(b, "1 BreakerOpened us-east")
	w.wantSlices(chatSlice + " seq=0 " + east.Addr())
	wantNoConnection(t, trap)

	w.remove(svc)
	b = w.awaitActive("chat", "eu-west")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
	w.wantSlices(chatSlice + " seq=2 " + trap.Addr())
}

// The active region keeps its old addresses when its new one is a cluster IP.
func TestActiveRegionReaddressedToAClusterIP(t *testing.T) {
	w := newWorld(t)
	_, trap := w.trapService("vllm")
	east, west := w.serve()
	before := w.sliceVersions()
	w.edit("chat", primaryURL(trap.URL()))
	b := w.awaitCondition("chat", "Stalled=True ClusterIPEndpoint")
	w.awaitProbes(2, west)
	w.wantHistory(b)
	w.wantSlices(chatSlice + " seq=0 " + east.Addr())
	if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
		t.Errorf("slices were written (-before +after):\n%s", diff)
	}

	w.restart() // nothing but the slices knows the old addresses now
	w.awaitProbes(2, west)
	w.edit("chat", func(s *llmv1alpha1.LLMBackendSpec) { s.Breaker.FailureThreshold = 4 })
	w.wantSlices(chatSlice + " seq=0 " + east.Addr())
	wantNoConnection(t, trap)
}
