// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// patiently is a probe whose answer a test can hold back without it timing out.
var patiently = &llmv1alpha1.ProbeOverride{
	Period:  new(llmv1alpha1.Duration("2m")),
	Timeout: new(llmv1alpha1.Duration("2m")),
}

func primaryURL(url string) edit {
	return func(s *llmv1alpha1.LLMBackendSpec) { s.Primary.Endpoint.URL = url }
}

// regionAt starts a region at an address of its own choice, with a port.
func (w *world) regionAt(addr string) *lab.Region {
	w.t.Helper()
	r, err := lab.NewRegion(addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(r.Close)
	return r
}

// The addresses of the active region change: what answers is published, and the old ones stay until then. It is
// the same region, so that no transition is told.
func TestActiveRegionReaddressed(t *testing.T) {
	for name, address := range map[string]string{
		"other address":                  "2:8000",
		"other port of the same address": "0:9000",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			east, _ := w.serve()
			n, port, _ := strings.Cut(address, ":")
			moved := w.regionAt(w.address(int(n[0]-'0')) + ":" + port)
			g := w.hold(moved)
			before := w.sliceVersions()

			w.edit("chat", primaryURL(moved.URL()), func(s *llmv1alpha1.LLMBackendSpec) { s.Primary.Probe = patiently })
			held := g.next()
			if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
				t.Errorf("slices were written before the new address answered (-before +after):\n%s", diff)
			}
			w.wantSlices(chatSlice + " seq=0 " + east.Addr())

			held.letGo()
			w.awaitSlices(chatSlice + " seq=0 " + moved.Addr())
			b := w.get("chat")
			w.wantHistory(b)
			w.wantConditions(b, "Ready=True Serving", "Published=True Published")
		})
	}
}

// A new address that fails counts as the region failing, and is never published.
func TestActiveRegionReaddressedToOneThatFails(t *testing.T) {
	w := newWorld(t)
	_, west := w.serve(minDuration("1h"))
	moved := w.region(2)
	w.set(moved, lab.Status(503))
	shown := w.recordSlices()

	w.edit("chat", primaryURL(moved.URL()))
	b := w.awaitActive("chat", "eu-west")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
	if diff := cmp.Diff([]string{west.Addr()}, shown()); diff != "" {
		t.Errorf("published since (-want +got):\n%s", diff)
	}
	if n := probes(moved); n < 3 {
		t.Errorf("%d probes of the new address, want 3 at least", n)
	}
}

// What failed at the old address says nothing about the new one.
func TestFailedRegionReaddressed(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve(openDuration("1h"))
	w.set(east, lab.Status(503))
	w.awaitActive("chat", "eu-west")

	moved := w.region(2)
	w.edit("chat", primaryURL(moved.URL()))
	b := w.awaitActive("chat", "us-east")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west",
		"3 BreakerClosed us-east", "4 FailedBack eu-west->us-east")
	w.wantSlices(chatSlice + " seq=4 " + moved.Addr())
	if reason := newest(b, llmv1alpha1.TransitionBreakerClosed).Reason; reason != "EndpointChanged" {
		t.Errorf("breaker closed for the reason %s, want EndpointChanged", reason)
	}
}
