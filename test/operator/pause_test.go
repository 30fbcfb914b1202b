// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

func TestPauseEndsByItself(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve(minDuration("1h"))
	end := time.Now().Add(6 * time.Second).Truncate(time.Second).UTC()
	w.annotate("chat", llmv1alpha1.PausedAnnotation, end.Format(time.RFC3339))
	w.awaitReason("chat", llmv1alpha1.ConditionPaused, llmv1alpha1.ReasonPausedUntil)
	w.set(east, lab.Status(503))
	b := w.awaitOpen("chat", "us-east")
	if opened := newest(b, llmv1alpha1.TransitionBreakerOpened); !opened.Time.Time.Before(end) {
		t.Fatalf("the breaker opened at %s, too late to show anything", opened.Time)
	}

	b = w.awaitActive("chat", "eu-west")
	if moved := newest(b, llmv1alpha1.TransitionFailedOver); moved.Time.Time.Before(end) {
		t.Errorf("failed over at %s, in the pause that ended at %s", moved.Time, end)
	}
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
	if hasReason(b, llmv1alpha1.ConditionPaused, llmv1alpha1.ReasonPausedUntil) {
		t.Errorf("conditions %v, want none about a pause", conditions(b))
	}
}

// A value that cannot be read pauses: somebody wanted traffic to stay where it is. What others write into slices stays
// as well.
func TestUnreadablePausePauses(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve(minDuration("1h"))
	w.annotate("chat", llmv1alpha1.PausedAnnotation, "until tomorrow")
	w.awaitReason("chat", llmv1alpha1.ConditionPaused, llmv1alpha1.ReasonInvalidPauseValue)
	meddled := w.slice(chatSlice)
	meddled.Endpoints[0].Addresses = []string{"10.99.0.1"}
	w.update(meddled)
	w.set(east, lab.Status(503))
	w.awaitOpen("chat", "us-east")
	w.wantHistory(w.awaitTrials("chat", "us-east", 2), "1 BreakerOpened us-east")
	if diff := cmp.Diff(content(meddled), content(w.slice(chatSlice))); diff != "" {
		t.Errorf("the slice was written in the pause (-before +now):\n%s", diff)
	}
}
