// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// While no region answers, traffic stays where it is, and the first healthy answer is taken. The breakers stay
// open for an hour here: no window that ended can have caused it.
func TestHoldsUntilARegionAnswers(t *testing.T) {
	for name, behaviour := range map[string]lab.Behaviour{
		"fails":            lab.Status(503),
		"refuses":          lab.Refuse(),
		"resets":           lab.Reset(),
		"hangs":            lab.Hang(),
		"answers nonsense": lab.Nonsense(),
		"is not found":     lab.Status(404),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			east, west := w.serve(minDuration("1h"), openDuration("1h"))
			before := w.sliceVersions()
			w.awaitProbes(1, west) // what is not found at the first probe says nothing about health

			w.set(west, behaviour)
			w.set(east, lab.Status(503))
			b := w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonNoHealthyRegion)
			if b.Status.ActiveRegion != "us-east" || moves(b) != nil {
				t.Errorf("active is %s, log %v; want us-east and no change", b.Status.ActiveRegion, history(b))
			}
			w.awaitEvent("chat", llmv1alpha1.ReasonNoHealthyRegion)
			w.awaitOpen("chat", "eu-west")
			if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
				t.Errorf("slices while holding (-want +got):\n%s", diff)
			}

			w.set(west, lab.Healthy())
			b = w.awaitActive("chat", "eu-west")
			if diff := cmp.Diff([]string{"FailedOver us-east->eu-west"}, moves(b)); diff != "" {
				t.Errorf("region changes (-want +got):\n%s", diff)
			}
			if !hasReason(b, llmv1alpha1.ConditionReady, llmv1alpha1.ReasonServingSecondary) {
				t.Errorf("conditions %v, want Ready for the reason ServingSecondary", conditions(b))
			}
		})
	}
}

// Breakers that open at the same time are written at once. Each of them is told.
func TestOpeningsOfOneWriteAreAllTold(t *testing.T) {
	w := newWorld(t)
	east, west := w.serve(patientSecondaries, func(s *llmv1alpha1.LLMBackendSpec) { s.Breaker.FailureThreshold = 1 })
	w.set(west, lab.Refuse())
	w.set(east, lab.Status(503))
	b := w.awaitOpen("chat", "eu-west")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 BreakerOpened eu-west")
	w.awaitEvent("chat", string(llmv1alpha1.TransitionBreakerOpened), "us-east")
	w.awaitEvent("chat", string(llmv1alpha1.TransitionBreakerOpened), "eu-west")
}

// When it is the active region that answers again, traffic has no reason to move.
func TestHoldEndsWithTheActiveRegion(t *testing.T) {
	w := newWorld(t)
	east, west := w.serve(minDuration("1h"), openDuration("1h"))
	before := w.sliceVersions()
	w.set(west, lab.Refuse())
	w.set(east, lab.Refuse())
	w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonNoHealthyRegion)

	w.set(east, lab.Healthy())
	b := w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonServing)
	if b.Status.ActiveRegion != "us-east" || moves(b) != nil {
		t.Errorf("active is %s, log %v; want us-east and no change", b.Status.ActiveRegion, history(b))
	}
	if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
		t.Errorf("slices (-want +got):\n%s", diff)
	}
}

// All candidates are asked at once: one that hangs does not delay another one that answers.
func TestHangingSecondaryDelaysNoOther(t *testing.T) {
	w := newWorld(t)
	east, west, local := w.region(0), w.region(1), w.region(2)
	const timeout = "10s"
	b := makeLLMBackend("chat").primary("us-east", east.URL()).
		secondary("eu-west", west.URL()).secondary("local", local.URL()).edit(minDuration("1h")).obj()
	for i := range b.Spec.Secondaries {
		b.Spec.Secondaries[i].Probe = &llmv1alpha1.ProbeOverride{
			Mode:   new(llmv1alpha1.ProbeOnDemand),
			Period: new(llmv1alpha1.Duration(timeout)), Timeout: new(llmv1alpha1.Duration(timeout)),
		}
	}
	w.set(west, lab.Hang())
	w.start()
	w.apply(b)
	w.awaitActive("chat", "us-east")

	w.set(east, lab.Status(503))
	b = w.awaitActive("chat", "local")
	opened := newest(b, llmv1alpha1.TransitionBreakerOpened)
	moved := newest(b, llmv1alpha1.TransitionFailedOver)
	if d := moved.Time.Sub(opened.Time.Time); d < 0 || d >= llmv1alpha1.Duration(timeout).AsDuration() {
		t.Errorf("decided after %s, want less than one timeout, %s", d, timeout)
	}
	if diff := cmp.Diff([]string{"1 BreakerOpened us-east", "2 FailedOver us-east->local"}, history(b)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}
