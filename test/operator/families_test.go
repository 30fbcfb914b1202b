// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// address6 returns the n-th IPv6 address for regions of this world.
func (w *world) address6(n int) string { return fmt.Sprintf("fd00:1::%x:%x", w.number, 16+n) }

func (w *world) region6(n int) *lab.Region {
	w.t.Helper()
	return w.regionAt("[" + w.address6(n) + "]:8000")
}

func ipFamilies(families ...llmv1alpha1.IPFamily) edit {
	return func(s *llmv1alpha1.LLMBackendSpec) { s.Service.IPFamilies = families }
}

func TestIPv6(t *testing.T) {
	w := newWorld(t)
	east, west, old := w.region6(0), w.region6(1), w.region(2)
	w.start()
	w.apply(makeLLMBackend("chat").edit(ipFamilies(llmv1alpha1.IPv6)).
		primary("us-east", east.URL()).secondary("v4-only", old.URL()).secondary("eu-west", west.URL()).obj())
	w.awaitCondition("chat", "Stalled=True AddressFamily")
	w.awaitActive("chat", "us-east")
	w.wantSlices("chat-breakwater-ipv6 seq=0 " + w.address6(0) + ":8000")

	w.set(east, lab.Status(503))
	b := w.awaitActive("chat", "eu-west")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
	w.wantSlices("chat-breakwater-ipv6 seq=2 " + w.address6(1) + ":8000")
	if n := old.Connections(); n > 0 {
		t.Errorf("%d connections to an address that the Service cannot have", n)
	}
}

// Clients come in both families, so a region must serve both.
func TestDualStack(t *testing.T) {
	w := newWorld(t)
	east4, east6 := w.region(0), w.region6(0)
	west4 := w.region(1)
	south4, south6 := w.region(2), w.region6(2)
	names := w.names()
	names.set(eastHost, w.address(0), w.address6(0))
	names.set("eu-south.example.com", w.address(2), w.address6(2))
	w.start()
	w.apply(makeLLMBackend("chat").edit(ipFamilies(llmv1alpha1.IPv4, llmv1alpha1.IPv6)).
		primary("us-east", eastURL).secondary("eu-west", west4.URL()).secondary("eu-south", "http://eu-south.example.com:8000").obj())
	w.awaitCondition("chat", "Stalled=True AddressFamily")
	w.awaitEvent("chat", llmv1alpha1.ReasonAddressFamily)
	w.awaitActive("chat", "us-east")
	w.wantSlices(chatSlice+" seq=0 "+east4.Addr(), "chat-breakwater-ipv6 seq=0 "+w.address6(0)+":8000")

	w.set(east6, lab.Status(503))
	b := w.awaitActive("chat", "eu-south")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-south")
	w.wantSlices(chatSlice+" seq=2 "+south4.Addr(), "chat-breakwater-ipv6 seq=2 "+w.address6(2)+":8000")

	// With the only other region that serves both gone, the one that serves half is still no candidate.
	w.set(south6, lab.Status(503))
	w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonNoHealthyRegion)
	w.set(east6, lab.Healthy())
	b = w.awaitActive("chat", "us-east")
	w.wantSlices(sliceOf(b)+east4.Addr(), fmt.Sprintf("chat-breakwater-ipv6 seq=%d %s:8000", b.Status.ActiveSeq, w.address6(0)))
}

// Two families are two slices, which are written one after the other. Each shows one region at every moment, the
// one of its decision, and never goes back to an older decision.
func TestDualStackSwitchesNeverMix(t *testing.T) {
	w := newWorld(t)
	names := w.names()
	hosts := []string{eastHost, "eu-west.example.com"}
	var shown [2]map[string]string // by slice: all that it can show of each region
	var regions [2][]*lab.Region
	for i, host := range hosts {
		n := 10 * i
		for j := range 2 {
			regions[i] = append(regions[i], w.region(n+j), w.region6(n+j))
		}
		names.set(host, w.address(n), w.address(n+1), w.address6(n), w.address6(n+1))
		shown[i] = map[string]string{
			chatSlice:              fmt.Sprintf("%s,%s:8000", w.address(n), w.address(n+1)),
			"chat-breakwater-ipv6": fmt.Sprintf("%s,%s:8000", w.address6(n), w.address6(n+1)),
		}
	}
	w.start()
	w.apply(makeLLMBackend("chat").edit(ipFamilies(llmv1alpha1.IPv4, llmv1alpha1.IPv6)).
		primary("us-east", eastURL).secondary("eu-west", "http://"+hosts[1]+":8000").obj())
	w.awaitActive("chat", "us-east")
	w.awaitSlices(chatSlice+" seq=0 "+shown[0][chatSlice], "chat-breakwater-ipv6 seq=0 "+shown[0]["chat-breakwater-ipv6"])
	revisions := w.recordRevisions()
	const rounds = 3
	for range rounds {
		for _, r := range regions[0] {
			w.set(r, lab.Status(503))
		}
		w.awaitActive("chat", "eu-west")
		for _, r := range regions[0] {
			w.set(r, lab.Healthy())
		}
		w.awaitActive("chat", "us-east")
	}

	newest := map[string]int64{}
	for _, r := range revisions() {
		var slice, what string
		var seq int64
		if _, err := fmt.Sscanf(r, "%s seq=%d %s", &slice, &seq, &what); err != nil {
			t.Fatal(err)
		}
		if seq < newest[slice] {
			t.Errorf("after %d: %s", newest[slice], r)
		}
		newest[slice] = seq
		region := slices.Index([]string{"us-east", "eu-west"}, w.moveOf(seq))
		if region < 0 {
			t.Fatalf("no region change has the number of %s", r)
		}
		// Of a region that recovers one address can come in before the other.
		for address := range strings.SplitSeq(strings.TrimSuffix(what, ":8000"), ",") {
			if !strings.Contains(shown[region][slice], address) {
				t.Errorf("%s shows %s for decision %d, want nothing but %s", slice, what, seq, shown[region][slice])
			}
		}
	}
	if len(newest) != 2 {
		t.Errorf("slices written: %v, want both families", newest)
	}
}

// moveOf returns where the region change of that number led.
func (w *world) moveOf(seq int64) string {
	for _, h := range w.get("chat").Status.History {
		if h.Seq == seq {
			return h.To
		}
	}
	return ""
}
