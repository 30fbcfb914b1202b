// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// deciding brings a failover from us-east to the point where it waits for the answer of eu-west, which the test
// holds back. Every status write that comes later would hold the failover, if it had been decided on.
func (w *world) deciding(edits ...edit) (east, west *lab.Region, g *gate, probe *heldRequest) {
	w.t.Helper()
	east, west = w.serve(append(edits, minDuration("1h"), patientSecondaries)...)
	g = w.hold(west)
	w.set(east, lab.Status(503))
	probe = g.next()
	w.awaitOpen("chat", "us-east")
	return east, west, g, probe
}

func TestActiveRegionRecoversDuringTheProbe(t *testing.T) {
	w := newWorld(t)
	east, west, g, probe := w.deciding()
	w.set(east, lab.Healthy())
	w.awaitClosed("chat", "us-east")
	probe.letGo()
	w.awaitProbes(2, east)

	// The next failover rests on a probe of its own.
	w.set(east, lab.Status(503))
	again := g.next()
	b := w.await("chat", "opened again", func(b *llmv1alpha1.LLMBackend) bool { return b.Status.TransitionSeq == 3 })
	w.wantHistory(b, "1 BreakerOpened us-east", "2 BreakerClosed us-east", "3 BreakerOpened us-east")
	again.letGo()
	b = w.awaitActive("chat", "eu-west")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 BreakerClosed us-east", "3 BreakerOpened us-east", "4 FailedOver us-east->eu-west")
	if n := probes(west); n != 2 {
		t.Errorf("%d probes of eu-west, want 2", n)
	}
}

func TestActiveRegionRecoversAndFailsDuringTheProbe(t *testing.T) {
	w := newWorld(t)
	east, west, _, probe := w.deciding()
	w.set(east, lab.Healthy())
	w.awaitClosed("chat", "us-east")
	w.set(east, lab.Status(503))
	w.awaitOpen("chat", "us-east")
	probe.letGo()
	b := w.awaitActive("chat", "eu-west")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 BreakerClosed us-east", "3 BreakerOpened us-east", "4 FailedOver us-east->eu-west")
	if n := probes(west); n != 1 {
		t.Errorf("%d probes of eu-west, want 1", n)
	}
}

// A reset during the probe wins, and an opening right after it is not lost.
func TestResetDuringTheProbe(t *testing.T) {
	w := newWorld(t)
	_, _, g, probe := w.deciding()
	w.annotate("chat", llmv1alpha1.ResetAnnotation, "1")
	w.await("chat", "reset", func(b *llmv1alpha1.LLMBackend) bool { return b.Status.LastHandledReset == "1" })
	probe.letGo()

	again := g.next()
	w.awaitOpen("chat", "us-east")
	b := w.awaitTrials("chat", "us-east", 1)
	w.wantHistory(b, "1 BreakerOpened us-east", "2 Reset us-east->us-east", "3 BreakerOpened us-east")
	again.letGo()
	b = w.awaitActive("chat", "eu-west")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 Reset us-east->us-east", "3 BreakerOpened us-east", "4 FailedOver us-east->eu-west")
}

// What was claimed for the old spec is not carried out for the new one, which makes its own claim.
func TestSpecChangeDuringTheProbe(t *testing.T) {
	w := newWorld(t)
	_, _, g, probe := w.deciding()
	w.edit("chat", minDuration("2h"))
	again := g.next()
	probe.letGo()
	b := w.awaitTrials("chat", "us-east", 2)
	w.wantHistory(b, "1 BreakerOpened us-east")
	again.letGo()
	b = w.awaitActive("chat", "eu-west")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
}

func TestPauseDuringTheProbe(t *testing.T) {
	w := newWorld(t)
	_, _, g, probe := w.deciding()
	before := w.sliceVersions()
	w.annotate("chat", llmv1alpha1.PausedAnnotation, "true")
	w.awaitReason("chat", llmv1alpha1.ConditionPaused, llmv1alpha1.ReasonPausedByAnnotation)
	probe.letGo()
	b := w.awaitTrials("chat", "us-east", 2)
	w.wantHistory(b, "1 BreakerOpened us-east")
	if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
		t.Errorf("slices during the pause (-want +got):\n%s", diff)
	}

	w.annotate("chat", llmv1alpha1.PausedAnnotation, "false")
	g.next().letGo()
	b = w.awaitActive("chat", "eu-west")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
	if hasReason(b, llmv1alpha1.ConditionPaused, llmv1alpha1.ReasonPausedByAnnotation) {
		t.Errorf("conditions %v, want none about a pause", conditions(b))
	}
}

// Deleting the LLMBackend ends its probes and is followed by no write about it. (A status write on its way at that
// very moment would be refused; here there is none.)
func TestDeletionDuringTheProbe(t *testing.T) {
	w := newWorld(t)
	east, _, _, probe := w.deciding(openDuration("1h"))
	w.awaitEvent("chat", string(llmv1alpha1.TransitionBreakerOpened))
	if err := w.client.Delete(w.ctx, w.get("chat")); err != nil {
		t.Fatal(err)
	}
	deleted := time.Now()
	probe.awaitGone(t)
	requests := probes(east)

	other := w.region(2)
	w.apply(makeLLMBackend("other").primary("us-east", other.URL()).obj())
	w.awaitActive("other", "us-east")
	w.awaitProbes(3, other)
	if n := probes(east); n != requests {
		t.Errorf("%d probes of us-east after the deletion", n-requests)
	}
	for _, write := range w.writesSince(deleted) {
		if strings.Contains(write, " chat") {
			t.Errorf("after the deletion: %s", write)
		}
	}
}
