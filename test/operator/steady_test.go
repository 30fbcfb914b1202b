// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"testing"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// While nothing changes, nothing is written: no status, no slice, no event.
func TestSteadyStateWritesNothing(t *testing.T) {
	w := newWorld(t)
	// A failed probe is nothing worth writing; on a busy machine there may be some.
	east, west := w.serve(func(s *llmv1alpha1.LLMBackendSpec) {
		s.Probe.Period, s.Probe.Timeout, s.Breaker.FailureThreshold = "100ms", "100ms", 100
	})
	w.awaitEvent("chat", "EndpointSliceCreated")
	w.awaitProbes(2, east, west)

	steady := time.Now()
	w.awaitProbes(50, east, west)
	for _, write := range w.writesSince(steady) {
		t.Errorf("in the steady state: %s", write)
	}
}
