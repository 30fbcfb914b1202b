// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// edit changes what makeLLMBackend builds.
type edit = func(*llmv1alpha1.LLMBackendSpec)

func minDuration(d llmv1alpha1.Duration) edit {
	return func(s *llmv1alpha1.LLMBackendSpec) { s.Failover.MinDuration = d }
}

func milliseconds(d time.Duration) llmv1alpha1.Duration {
	return llmv1alpha1.Duration(fmt.Sprintf("%dms", d.Milliseconds()))
}

func openDuration(d llmv1alpha1.Duration) edit {
	return func(s *llmv1alpha1.LLMBackendSpec) { s.Breaker.OpenDuration = d }
}

func mode(m llmv1alpha1.FailoverMode) edit {
	return func(s *llmv1alpha1.LLMBackendSpec) { s.Failover.Mode = m }
}

func failback(m llmv1alpha1.FailbackMode) edit {
	return func(s *llmv1alpha1.LLMBackendSpec) { s.Failover.Failback = m }
}

// rareProbes leaves the scheduled probes out for the rest of the test.
func rareProbes(s *llmv1alpha1.LLMBackendSpec) { s.Probe.Period, s.Probe.Timeout = "1h", "1m" }

// patientSecondaries has the secondary regions hear of nothing but the probes that a decision needs, and lets
// a test hold these back without them timing out.
func patientSecondaries(s *llmv1alpha1.LLMBackendSpec) {
	for i := range s.Secondaries {
		s.Secondaries[i].Probe = &llmv1alpha1.ProbeOverride{
			Mode:    new(llmv1alpha1.ProbeOnDemand),
			Period:  new(llmv1alpha1.Duration("2m")),
			Timeout: new(llmv1alpha1.Duration("2m")),
		}
	}
}

// serve starts an operator and the LLMBackend chat with two healthy regions, us-east and eu-west, and waits
// until us-east is published.
func (w *world) serve(edits ...edit) (east, west *lab.Region) {
	w.t.Helper()
	east, west = w.region(0), w.region(1)
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", east.URL()).secondary("eu-west", west.URL()).edit(edits...).obj())
	w.awaitActive("chat", "us-east")
	return east, west
}

// edit changes the spec of an LLMBackend and waits until the operator has seen it.
func (w *world) edit(name string, edits ...edit) *llmv1alpha1.LLMBackend {
	w.t.Helper()
	w.change(name, func(b *llmv1alpha1.LLMBackend) {
		for _, e := range edits {
			e(&b.Spec)
		}
	})
	generation := w.get(name).Generation
	return w.await(name, "observed", func(b *llmv1alpha1.LLMBackend) bool {
		return b.Status.ObservedGeneration == generation
	})
}
