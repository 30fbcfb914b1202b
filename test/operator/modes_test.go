// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// Observe says once what it would have done, and does it when it may.
func TestObserveTellsAndMovesNothing(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve(minDuration("1h"), mode(llmv1alpha1.FailoverObserve))
	before := w.sliceVersions()
	w.set(east, lab.Status(503))
	w.awaitReason("chat", llmv1alpha1.ConditionDegraded, llmv1alpha1.ReasonWouldMove)
	w.awaitEvent("chat", "WouldFailOver")

	b := w.awaitTrials("chat", "us-east", 3)
	w.wantHistory(b, "1 BreakerOpened us-east")
	if diff := cmp.Diff([]string{
		"Degraded=True WouldMove", "Published=True Published", "Ready=False ActiveRegionFailing",
	}, conditions(b)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
		t.Errorf("slices (-want +got):\n%s", diff)
	}

	w.edit("chat", mode(llmv1alpha1.FailoverAutomatic))
	b = w.awaitActive("chat", "eu-west")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
	w.awaitEvent("chat", "FailedOver")
	if n := w.countEvents("chat", "WouldFailOver"); n != 1 {
		t.Errorf("%d events WouldFailOver, want 1", n)
	}
}

// Disabled asks no other region, until it is changed in the outage.
func TestDisabledMovesNothing(t *testing.T) {
	w := newWorld(t)
	east, west := w.serve(minDuration("1h"), mode(llmv1alpha1.FailoverDisabled), patientSecondaries)
	before := w.sliceVersions()
	w.set(east, lab.Status(503))
	w.awaitOpen("chat", "us-east")
	b := w.awaitTrials("chat", "us-east", 2)
	w.wantHistory(b, "1 BreakerOpened us-east")
	if diff := cmp.Diff([]string{
		"Degraded=True RegionsFailing", "Published=True Published", "Ready=False ActiveRegionFailing",
	}, conditions(b)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
		t.Errorf("slices (-want +got):\n%s", diff)
	}
	if n := probes(west); n != 0 {
		t.Errorf("%d probes of eu-west, want none", n)
	}

	w.edit("chat", mode(llmv1alpha1.FailoverAutomatic))
	w.wantHistory(w.awaitActive("chat", "eu-west"), "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
}

func TestOnlyOneRegion(t *testing.T) {
	w := newWorld(t)
	east := w.region(0)
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", east.URL()).obj())
	b := w.awaitActive("chat", "us-east")
	alone := []string{"Degraded=True NoSecondary", "Published=True Published", "Ready=True Serving"}
	if diff := cmp.Diff(alone, conditions(b)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	w.awaitEvent("chat", llmv1alpha1.ReasonNoSecondary)
	before := w.sliceVersions()

	w.set(east, lab.Status(503))
	b = w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonNoHealthyRegion)
	w.wantHistory(b, "1 BreakerOpened us-east")
	w.set(east, lab.Healthy())
	b = w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonServing)
	w.wantHistory(b, "1 BreakerOpened us-east", "2 BreakerClosed us-east")
	if diff := cmp.Diff(alone, conditions(b)); diff != "" {
		t.Errorf("conditions after the recovery (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
		t.Errorf("slices (-want +got):\n%s", diff)
	}
}
