// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// withoutPrimary makes the first secondary region the primary one.
func withoutPrimary(s *llmv1alpha1.LLMBackendSpec) {
	s.Primary, s.Secondaries = s.Secondaries[0], s.Secondaries[1:]
}

func withoutSecondaries(s *llmv1alpha1.LLMBackendSpec) { s.Secondaries = nil }

func swapped(s *llmv1alpha1.LLMBackendSpec) {
	s.Primary, s.Secondaries[0] = s.Secondaries[0], s.Primary
}

// wantLeft checks that the newest transition is the departure from a removed region.
func (w *world) wantLeft(b *llmv1alpha1.LLMBackend, from, to string) {
	w.t.Helper()
	got := newest(b, llmv1alpha1.TransitionFailedOver)
	if got.Seq != b.Status.TransitionSeq || got.Reason != "ActiveRegionRemoved" || got.From != from || got.To != to {
		w.t.Errorf("newest FailedOver %+v of %v, want from %s to %s for the reason ActiveRegionRemoved", got, history(b), from, to)
	}
	if hasReason(b, llmv1alpha1.ConditionActiveRegionRemoved, llmv1alpha1.ReasonNotInSpec) {
		w.t.Errorf("still ActiveRegionRemoved: %q", conditions(b))
	}
}

func TestActivePrimaryRemoved(t *testing.T) {
	w := newWorld(t)
	east, west := w.serve()
	before := w.sliceVersions()

	w.set(west, lab.Status(503))
	w.edit("chat", withoutPrimary)
	b := w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonNoHealthyRegion)
	w.wantConditions(b, "ActiveRegionRemoved=True NotInSpec", "Published=True Published")
	w.awaitEvent("chat", llmv1alpha1.ReasonNotInSpec)
	b = w.awaitOpen("chat", "eu-west")
	if b.Status.ActiveRegion != "us-east" {
		t.Errorf("active region %s, want us-east", b.Status.ActiveRegion)
	}
	w.wantSlices(chatSlice + " seq=0 " + east.Addr())
	if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
		t.Errorf("slices were written while nothing healthy answered (-before +after):\n%s", diff)
	}

	w.set(west, lab.Healthy())
	b = w.awaitActive("chat", "eu-west")
	w.wantLeft(b, "us-east", "eu-west")
	w.wantSlices(sliceOf(b) + west.Addr())
}

// The primary region is the first candidate for a secondary one's traffic, and minDuration is no reason to
// wait.
func TestActiveSecondaryRemoved(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve(minDuration("1h"))
	w.set(east, lab.Status(503))
	w.awaitActive("chat", "eu-west")
	w.set(east, lab.Healthy())
	w.awaitClosed("chat", "us-east")

	w.edit("chat", withoutSecondaries)
	b := w.awaitActive("chat", "us-east")
	w.wantLeft(b, "eu-west", "us-east")
	w.wantSlices(sliceOf(b) + east.Addr())
}

// An operator that starts when the active region has left the spec knows no address of it. It leaves the slices
// alone.
func TestActiveRegionRemovedWhileNoOperatorRuns(t *testing.T) {
	w := newWorld(t)
	east, west := w.serve()
	w.stop()
	before := w.sliceVersions()
	w.set(west, lab.Status(503))
	w.change("chat", func(b *llmv1alpha1.LLMBackend) { withoutPrimary(&b.Spec) })

	w.start()
	b := w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonNoHealthyRegion)
	w.wantConditions(b, "ActiveRegionRemoved=True NotInSpec")
	w.awaitOpen("chat", "eu-west")
	if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
		t.Errorf("slices were written (-before +after):\n%s", diff)
	}
	w.wantSlices(chatSlice + " seq=0 " + east.Addr())

	w.set(west, lab.Healthy())
	b = w.awaitActive("chat", "eu-west")
	w.wantLeft(b, "us-east", "eu-west")
	w.wantSlices(sliceOf(b) + west.Addr())
}

// A rename is a removal and an addition, at the same address too.
func TestActiveRegionRenamed(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve(withoutSecondaries, func(s *llmv1alpha1.LLMBackendSpec) { s.Breaker.FailureThreshold = 100 })
	before := w.sliceVersions()

	w.set(east, lab.Status(503))
	w.edit("chat", func(s *llmv1alpha1.LLMBackendSpec) { s.Primary.Name = "us-east-1" })
	b := w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonNoHealthyRegion)
	w.wantConditions(b, "ActiveRegionRemoved=True NotInSpec")
	if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
		t.Errorf("slices were written while nothing healthy answered (-before +after):\n%s", diff)
	}

	w.set(east, lab.Healthy())
	b = w.awaitActive("chat", "us-east-1")
	w.wantHistory(b, "1 FailedOver us-east->us-east-1")
	w.wantLeft(b, "us-east", "us-east-1")
	w.wantSlices(chatSlice + " seq=1 " + east.Addr())
}

func TestRegionsReordered(t *testing.T) {
	t.Run("secondaries only: nothing moves", func(t *testing.T) {
		w := newWorld(t)
		south := w.region(2)
		east, _ := w.serve(func(s *llmv1alpha1.LLMBackendSpec) {
			s.Secondaries = append(s.Secondaries, llmv1alpha1.Region{
				Name: "eu-south", Endpoint: llmv1alpha1.Endpoint{URL: south.URL()},
			})
		})
		before := w.sliceVersions()
		b := w.edit("chat", func(s *llmv1alpha1.LLMBackendSpec) {
			s.Secondaries[0], s.Secondaries[1] = s.Secondaries[1], s.Secondaries[0]
		})
		if diff := cmp.Diff([]string{"us-east", "eu-south", "eu-west"}, regionNames(b)); diff != "" {
			t.Errorf("regions in status (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
			t.Errorf("slices were written (-before +after):\n%s", diff)
		}
		// The new order decides who is next.
		w.set(east, lab.Status(503))
		b = w.awaitActive("chat", "eu-south")
		w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-south")
	})
	t.Run("the active one is no longer preferred: failback", func(t *testing.T) {
		w := newWorld(t)
		_, west := w.serve()
		w.edit("chat", swapped)
		b := w.awaitActive("chat", "eu-west")
		w.wantHistory(b, "1 FailedBack us-east->eu-west")
		w.wantSlices(chatSlice + " seq=1 " + west.Addr())
	})
	t.Run("and nobody wants to fail back: nothing moves", func(t *testing.T) {
		w := newWorld(t)
		east, west := w.serve(failback(llmv1alpha1.FailbackManual))
		before := w.sliceVersions()
		b := w.edit("chat", swapped)
		w.wantConditions(b, "Ready=True ServingSecondary", "FailedOver=True FailedOver")
		w.awaitProbes(2, east, west)
		b = w.edit("chat", swapped)
		w.wantHistory(b)
		w.wantConditions(b, "Ready=True Serving")
		if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
			t.Errorf("slices were written (-before +after):\n%s", diff)
		}
	})
}

func regionNames(b *llmv1alpha1.LLMBackend) []string {
	var names []string
	for _, r := range b.Status.Regions {
		names = append(names, r.Name)
	}
	return names
}
