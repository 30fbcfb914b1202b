// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// limits returns what the status shows of what breakers go by: "<region> <threshold> <open duration>".
func limits(b *llmv1alpha1.LLMBackend) []string {
	var shown []string
	for _, r := range b.Status.Regions {
		shown = append(shown, fmt.Sprintf("%s %d %s", r.Name, r.Breaker.EffectiveFailureThreshold, r.Breaker.EffectiveOpenDuration))
	}
	return shown
}

func (w *world) wantLimits(b *llmv1alpha1.LLMBackend, want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, limits(b)); diff != "" {
		w.t.Errorf("limits (-want +got):\n%s", diff)
	}
}

// The status shows what adaptive breakers go by where that is not what is configured, and the breakers do.
func TestAdaptiveBreaker(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve(func(s *llmv1alpha1.LLMBackendSpec) { s.Breaker.Mode = llmv1alpha1.BreakerAdaptive })
	w.wantLimits(w.get("chat"), "us-east 6 10s", "eu-west 6 10s")

	w.set(east, lab.Status(503))
	b := w.awaitActive("chat", "eu-west")
	w.wantLimits(b, "us-east 0 10s", "eu-west 6 10s")
	breaker := breakerOf(b, "us-east")
	if open := breaker.OpenUntil.Sub(breaker.Since.Time).Round(time.Second); open != 10*time.Second {
		t.Errorf("open for %s, want 10s, the least in mode Adaptive", open)
	}

	b = w.edit("chat", func(s *llmv1alpha1.LLMBackendSpec) { s.Breaker.Mode = llmv1alpha1.BreakerFixed })
	w.wantLimits(b, "us-east 0 ", "eu-west 0 ")
}

// Limits that move are no reason to write, not even when there is a reason to look; they go with the next write.
func TestLimitsGoWithOtherWrites(t *testing.T) {
	w := newWorld(t)
	_, west := w.serve(patientBreakers)
	w.awaitEvent("chat", "EndpointSliceCreated")
	w.wantLimits(w.get("chat"), "us-east 100 10s", "eu-west 100 10s")

	moved := time.Now()
	w.set(west, lab.Status(503))
	w.awaitProbes(4, west)
	w.set(west, lab.Healthy())
	w.annotate("chat", "note", "look at me")
	w.awaitProbes(5, west)
	if diff := cmp.Diff([]string{"patch llmbackends chat"}, w.writesSince(moved)); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	w.wantLimits(w.get("chat"), "us-east 100 10s", "eu-west 100 10s")

	w.set(west, lab.Status(503)) // successes have told the other way meanwhile
	w.awaitProbes(4, west)
	b := w.edit("chat", minDuration("1s"))
	w.wantLimits(b, "us-east 100 10s", "eu-west 0 10s")
}

// patientBreakers adapt and are far from opening, while probes come often.
func patientBreakers(s *llmv1alpha1.LLMBackendSpec) {
	s.Probe.Period, s.Probe.Timeout = "100ms", "100ms"
	s.Breaker.Mode, s.Breaker.FailureThreshold = llmv1alpha1.BreakerAdaptive, 60
	s.Breaker.Adaptive = &llmv1alpha1.AdaptiveSpec{MaxFailureThreshold: 100}
}
