// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// edit changes what backend builds.
type edit = func(*llmv1alpha1.LLMBackendSpec)

// backend returns an LLMBackend over the regions of this world, which fails over in about a second. Its breakers
// stay open, so that in an outage nothing is written that a clock decides, and its probes have a second to be
// answered, so that a busy machine is not taken for a failure.
func (w *world) backend(name string, edits ...edit) *llmv1alpha1.LLMBackend {
	b := &llmv1alpha1.LLMBackend{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: llmv1alpha1.LLMBackendSpec{
			Primary: w.region("us-east"),
			Secondaries: []llmv1alpha1.Region{
				w.region("eu-west"),
			},
			Probe:    llmv1alpha1.ProbeSpec{Period: "1s", SuspectPeriod: "100ms", Timeout: "1s"},
			Breaker:  llmv1alpha1.BreakerSpec{FailureThreshold: 2, OpenDuration: "1h"},
			Failover: llmv1alpha1.FailoverSpec{MinDuration: "0s"},
		},
	}
	for _, e := range edits {
		e(&b.Spec)
	}
	return b
}

func (w *world) region(name string) llmv1alpha1.Region {
	return llmv1alpha1.Region{Name: name, Endpoint: llmv1alpha1.Endpoint{URL: w.regions[name].URL()}}
}

// soonTried has breakers open for as short as can be.
func soonTried(s *llmv1alpha1.LLMBackendSpec) { s.Breaker.OpenDuration = "1s" }

func retained(s *llmv1alpha1.LLMBackendSpec) {
	s.Service.DeletionPolicy = llmv1alpha1.DeletionRetain
}

// ignoreMoved drops the refusal of a deletion because the object is gone or no longer as it was read.
func ignoreMoved(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}
