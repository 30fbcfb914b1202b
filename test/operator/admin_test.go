// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// orderSwitch asks for a switch with one update.
func (w *world) orderSwitch(to, token string) {
	w.t.Helper()
	w.annotate("chat", llmv1alpha1.SwitchToAnnotation, to, llmv1alpha1.SwitchRequestedAtAnnotation, token)
}

// awaitSwitch waits until the switch with that token is acknowledged, and wants a result.
func (w *world) awaitSwitch(token string, want llmv1alpha1.SwitchResult) *llmv1alpha1.LLMBackend {
	w.t.Helper()
	b := w.await("chat", "switched by "+token, func(b *llmv1alpha1.LLMBackend) bool { return b.Status.LastHandledSwitch == token })
	if b.Status.LastSwitchResult != want {
		w.t.Errorf("switch %s: %s, want %s", token, b.Status.LastSwitchResult, want)
	}
	return b
}

func (w *world) awaitReset(token string) *llmv1alpha1.LLMBackend {
	w.t.Helper()
	return w.await("chat", "reset by "+token, func(b *llmv1alpha1.LLMBackend) bool {
		return b.Status.LastHandledReset == token && published(b)
	})
}

func TestReset(t *testing.T) {
	w := newWorld(t)
	east, west := w.serve(minDuration("1h"), openDuration("1h"))
	w.set(east, lab.Status(503))
	w.awaitActive("chat", "eu-west")
	w.set(east, lab.Healthy())

	w.annotate("chat", llmv1alpha1.ResetAnnotation, "first")
	b := w.awaitReset("first")
	log := []string{"1 BreakerOpened us-east", "2 FailedOver us-east->eu-west", "3 Reset eu-west->us-east"}
	w.wantHistory(b, log...)
	if b.Status.ActiveRegion != "us-east" || isOpen(b, "us-east") {
		t.Errorf("active %s, us-east %s; want us-east, Closed", b.Status.ActiveRegion, breakerOf(b, "us-east").State)
	}
	w.wantSlices("chat-breakwater-ipv4 seq=3 " + east.Addr())

	// The operator hears of the same token again with each change, and does nothing.
	w.annotate("chat", "note", "nothing to see here")
	w.awaitProbes(2, east, west)
	w.restart()
	w.awaitProbes(2, east, west)
	w.wantHistory(w.get("chat"), log...)

	// On the primary region itself a reset is a transition as well.
	w.annotate("chat", llmv1alpha1.ResetAnnotation, "second")
	b = w.awaitReset("second")
	w.wantHistory(b, append(log, "4 Reset us-east->us-east")...)
	w.wantSlices("chat-breakwater-ipv4 seq=4 " + east.Addr())
	if diff := cmp.Diff(map[string]string{llmv1alpha1.ResetAnnotation: "second", "note": "nothing to see here"}, b.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}

// A switch pins: a healthy primary region is no reason to undo it.
func TestSwitchPins(t *testing.T) {
	w := newWorld(t)
	east, west := w.serve(minDuration("0s"))
	w.orderSwitch("eu-west", "first")
	b := w.awaitSwitch("first", llmv1alpha1.SwitchSwitched)
	if b.Status.ActiveRegion != "eu-west" || b.Status.PinnedRegion != "eu-west" {
		t.Errorf("active %s, pinned %q; want eu-west", b.Status.ActiveRegion, b.Status.PinnedRegion)
	}
	w.awaitEvent("chat", string(llmv1alpha1.TransitionSwitchedOver))
	w.awaitProbes(3, east, west)

	w.orderSwitch("us-east", "second")
	b = w.awaitSwitch("second", llmv1alpha1.SwitchSwitched)
	log := []string{"1 SwitchedOver us-east->eu-west", "2 SwitchedOver eu-west->us-east"}
	w.wantHistory(b, log...)

	w.orderSwitch("us-east", "third")
	b = w.awaitSwitch("third", llmv1alpha1.SwitchPinned)
	w.wantHistory(b, log...)
	if e := w.awaitEvent("chat", "RegionPinned"); e.Type != corev1.EventTypeNormal {
		t.Errorf("event RegionPinned is a %s", e.Type)
	}
	if diff := cmp.Diff(map[string]string{
		llmv1alpha1.SwitchToAnnotation: "us-east", llmv1alpha1.SwitchRequestedAtAnnotation: "third",
	}, b.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}

// A switch that cannot be done is tried once, acknowledged and told.
func TestSwitchThatIsNotDone(t *testing.T) {
	w := newWorld(t)
	east, west := w.serve(patientSecondaries)
	before := w.sliceVersions()
	w.set(west, lab.Status(503))
	w.orderSwitch("eu-west", "failing")
	w.awaitSwitch("failing", llmv1alpha1.SwitchFailed)
	w.awaitEvent("chat", "SwitchNotDone", "eu-west", "Status503")

	w.orderSwitch("mars", "unknown")
	w.awaitSwitch("unknown", llmv1alpha1.SwitchRefused)
	w.awaitEvent("chat", "SwitchNotDone", "mars")

	w.awaitProbes(2, east)
	if b := w.get("chat"); b.Status.ActiveRegion != "us-east" || b.Status.TransitionSeq != 0 || b.Status.PinnedRegion != "" {
		t.Errorf("active %s, seq %d, pinned %q; want us-east, 0 and none",
			b.Status.ActiveRegion, b.Status.TransitionSeq, b.Status.PinnedRegion)
	}
	if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
		t.Errorf("slices (-want +got):\n%s", diff)
	}
	if n := probes(west); n != 1 {
		t.Errorf("%d probes of eu-west, want 1", n)
	}
}

func TestResetSupersedesSwitch(t *testing.T) {
	w := newWorld(t)
	w.serve()
	w.annotate("chat", llmv1alpha1.ResetAnnotation, "1",
		llmv1alpha1.SwitchToAnnotation, "eu-west", llmv1alpha1.SwitchRequestedAtAnnotation, "1")
	b := w.awaitSwitch("1", llmv1alpha1.SwitchSuperseded)
	w.wantHistory(b, "1 Reset us-east->us-east")
	w.awaitEvent("chat", "SwitchSuperseded")

	w.orderSwitch("eu-west", "2")
	b = w.awaitSwitch("2", llmv1alpha1.SwitchSwitched)
	w.wantHistory(b, "1 Reset us-east->us-east", "2 SwitchedOver us-east->eu-west")
}

// Orders that a new LLMBackend brings with it are those of another time. One that is too long for the status is
// known by its hash.
func TestOrdersPresentAtCreation(t *testing.T) {
	long := strings.Repeat("x", 300)
	hash := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(long)))
	w := newWorld(t)
	east, west := w.region(0), w.region(1)
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", east.URL()).secondary("eu-west", west.URL()).
		annotate(llmv1alpha1.ResetAnnotation, long).
		annotate(llmv1alpha1.SwitchToAnnotation, "eu-west").
		annotate(llmv1alpha1.SwitchRequestedAtAnnotation, "old").obj())
	w.awaitActive("chat", "us-east")
	b := w.awaitSwitch("old", llmv1alpha1.SwitchIgnored)
	if b.Status.TransitionSeq != 0 || b.Status.LastHandledReset != hash {
		t.Errorf("seq %d, handled reset %q; want 0, %q", b.Status.TransitionSeq, b.Status.LastHandledReset, hash)
	}

	newer := long + "y"
	w.annotate("chat", llmv1alpha1.ResetAnnotation, newer)
	b = w.awaitReset(fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(newer))))
	w.wantHistory(b, "1 Reset us-east->us-east")
}
