// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"testing"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// With the failovers of an hour used up traffic stays: it neither goes back nor leaves a region that fails, a restart
// changes nothing of that, and a person's reset moves it at once.
func TestMaxPerHour(t *testing.T) {
	w := newWorld(t)
	east, west := w.serve(minDuration("0s"), openDuration("1s"), func(s *llmv1alpha1.LLMBackendSpec) { s.Failover.MaxPerHour = 1 })
	w.set(east, lab.Status(503))
	b := w.awaitReason("chat", llmv1alpha1.ConditionFailoverLimited, llmv1alpha1.ReasonMaxPerHour)
	moved := newest(b, llmv1alpha1.TransitionFailedOver)
	if until := b.Status.FailoverLimitedUntil; until == nil || !until.Time.Equal(moved.Time.Add(time.Hour)) {
		t.Errorf("limited until %v, want an hour after %v", until, moved.Time)
	}
	w.set(east, lab.Healthy())
	w.awaitClosed("chat", "us-east")
	w.restart()
	w.set(west, lab.Status(503))
	w.awaitOpen("chat", "eu-west")
	w.awaitTrials("chat", "eu-west", 2)
	b = w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonActiveRegionFailing)
	if got := moves(b); len(got) != 1 || b.Status.FailoverLimitedUntil == nil {
		t.Errorf("moves %v, limited until %v; want the first move alone, and the limit", got, b.Status.FailoverLimitedUntil)
	}
	w.wantSlices(sliceOf(b) + west.Addr())

	w.annotate("chat", llmv1alpha1.ResetAnnotation, "1")
	b = w.awaitActive("chat", "us-east")
	if b.Status.FailoverLimitedUntil != nil || hasReason(b, llmv1alpha1.ConditionFailoverLimited, llmv1alpha1.ReasonMaxPerHour) {
		t.Errorf("after a reset limited until %v, conditions %v; want no limit", b.Status.FailoverLimitedUntil, conditions(b))
	}
}
