// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// One failover is told in many places. They say the same.
func TestFailoverIsToldTheSameEverywhere(t *testing.T) {
	w := newWorld(t)
	east, west := w.serve(minDuration("1h"), openDuration("1h"))
	w.set(east, lab.Status(503))
	b := w.awaitActive("chat", "eu-west")

	wantStatus(t, b)
	w.wantSlices("chat-breakwater-ipv4 seq=2 " + west.Addr())
	wantEvents(w, b)
	wantColumns(w, west)

	if _, err := controlPlane.Kubectl(w.ctx, "wait", "llmb/chat", "-n", w.ns, "--for=condition=Ready", "--timeout=10s"); err != nil {
		t.Error(err)
	}
	described, err := controlPlane.Kubectl(w.ctx, "describe", "llmb", "chat", "-n", w.ns)
	if err != nil {
		t.Error(err)
	}
	if message := newest(b, llmv1alpha1.TransitionFailedOver).Message; !strings.Contains(described, message) {
		t.Errorf("kubectl describe does not tell %q:\n%s", message, described)
	}

	// It was one failover: the next transition, however late, is the next number.
	w.set(east, lab.Healthy())
	w.annotate("chat", llmv1alpha1.ResetAnnotation, "1")
	b = w.awaitActive("chat", "us-east")
	if diff := cmp.Diff([]string{
		"1 BreakerOpened us-east", "2 FailedOver us-east->eu-west", "3 Reset eu-west->us-east",
	}, history(b)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func wantStatus(t *testing.T, b *llmv1alpha1.LLMBackend) {
	t.Helper()
	s := b.Status
	if s.ActiveRegion != "eu-west" || s.TransitionSeq != 2 || s.ActiveSeq != 2 || *s.PublishedSeq != 2 {
		t.Errorf("active %s, seqs %d, %d, %d; want eu-west, 2, 2, 2",
			s.ActiveRegion, s.TransitionSeq, s.ActiveSeq, *s.PublishedSeq)
	}
	if s.ObservedGeneration != b.Generation {
		t.Errorf("observedGeneration %d, generation %d", s.ObservedGeneration, b.Generation)
	}
	if diff := cmp.Diff([]string{"1 BreakerOpened us-east", "2 FailedOver us-east->eu-west"}, history(b)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"Degraded=True RegionsFailing", "FailedOver=True FailedOver", "Published=True Published", "Ready=True ServingSecondary",
	}, conditions(b)); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	// Deadlines are rounded up, other times down, both to microseconds.
	moved := newest(b, llmv1alpha1.TransitionFailedOver).Time
	if d := s.ActiveSince.Sub(moved.Time); d < 0 || d > time.Microsecond {
		t.Errorf("activeSince %s, FailedOver at %s", s.ActiveSince, moved)
	}
	opened := newest(b, llmv1alpha1.TransitionBreakerOpened).Time
	want := llmv1alpha1.BreakerStatus{
		State: llmv1alpha1.BreakerOpen, Since: &opened, Reason: "Status503", OpenedBy: llmv1alpha1.OpenedByProbe,
	}
	got := breakerOf(b, "us-east")
	if d := got.OpenUntil.Sub(opened.Time); d < time.Hour || d > time.Hour+2*time.Microsecond {
		t.Errorf("open for %s, want 1h", d)
	}
	got.OpenUntil = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("breaker of us-east (-want +got):\n%s", diff)
	}
}

func wantEvents(w *world, b *llmv1alpha1.LLMBackend) {
	w.t.Helper()
	if e := w.awaitEvent("chat", "EndpointSliceApplied"); e.Related == nil || e.Related.Name != "chat-breakwater-ipv4" {
		w.t.Errorf("event EndpointSliceApplied is related to %v, want the slice", e.Related)
	}
	var told []string
	for _, e := range w.events("chat") {
		told = append(told, e.Type+" "+e.Reason+": "+e.Note)
	}
	slice := "chat-breakwater-ipv4: "
	// The events of one decision have almost the same time.
	if diff := cmp.Diff([]string{
		"Normal EndpointSliceCreated: " + slice + "[] -> [" + w.address(0) + "]",
		"Warning BreakerOpened: " + newest(b, llmv1alpha1.TransitionBreakerOpened).Message,
		"Warning FailedOver: " + newest(b, llmv1alpha1.TransitionFailedOver).Message,
		"Normal EndpointSliceApplied: " + slice + "[" + w.address(0) + "] -> [" + w.address(1) + "]",
	}, told); diff != "" {
		w.t.Errorf("events (-want +got):\n%s", diff)
	}
}

func wantColumns(w *world, west *lab.Region) {
	w.t.Helper()
	out, err := controlPlane.Kubectl(w.ctx, "get", "llmb", "-n", w.ns, "-o", "wide")
	if err != nil {
		w.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 {
		w.t.Fatalf("kubectl get printed:\n%s", out)
	}
	const since, age = 6, 7
	row := slices.Delete(strings.Fields(lines[1]), since, age+1)
	if diff := cmp.Diff(strings.Fields("NAME ACTIVE PRIMARY FAILEDOVER READY SEQ SINCE AGE REASON ENDPOINT"), strings.Fields(lines[0])); diff != "" {
		w.t.Errorf("columns (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"chat", "eu-west", "us-east", "True", "True", "2", "ServingSecondary", west.URL()}, row); diff != "" {
		w.t.Errorf("row (-want +got):\n%s", diff)
	}
}
