// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// What goes wrong with a write on its way may delay a failover. It is made once for all that, and the next one
// works as ever.
func TestFailoverWhileWritesGoWrong(t *testing.T) {
	tests := map[string]struct {
		write  matcher
		answer answerer
	}{
		"the status write is lost":               {movingTo("eu-west"), loseRequest},
		"the answer to the status write is lost": {movingTo("eu-west"), loseAnswer},
		"the status write is never answered":     {movingTo("eu-west"), neverAnswer},
		"the write of the slice is lost":         {writingSlice, loseRequest},
		"the answer to that is lost":             {writingSlice, loseAnswer},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			line := w.wire()
			east, west := w.serve(openDuration("1h"))
			w.failOverAndBack(east, west, line.once(test.write, test.answer))
		})
	}
}

// A decision about an LLMBackend that somebody changes meanwhile is made again.
func TestFailoverWhileSomebodyAnnotates(t *testing.T) {
	w := newWorld(t)
	line := w.wire()
	east, west := w.serve(openDuration("1h"))
	w.failOverAndBack(east, west, line.once(movingTo("eu-west"), func(req *http.Request, next pass) (*http.Response, error) {
		w.annotate("chat", "example.com/owner", "team-a")
		return next(req)
	}))
}

// failOverAndBack breaks us-east and has it reset, and checks that each decision was made once, though the trap was
// sprung. With its breaker open for an hour nothing else makes the operator look again.
func (w *world) failOverAndBack(east, west *lab.Region, trap *trap) {
	w.t.Helper()
	w.set(east, lab.Status(503))
	b := w.awaitActive("chat", "eu-west")
	trap.await(w)
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
	w.wantSlices(chatSlice + " seq=2 " + west.Addr())

	w.set(east, lab.Healthy())
	w.annotate("chat", llmv1alpha1.ResetAnnotation, "1")
	b = w.awaitActive("chat", "us-east")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west", "3 Reset eu-west->us-east")
	w.wantSlices(chatSlice + " seq=3 " + east.Addr())
}

// A status that the schema in force does not take keeps no traffic from moving: the bare decision is stored.
func TestStatusRefusedAsInvalid(t *testing.T) {
	w := newWorld(t)
	line := w.wire()
	east, west := w.serve(minDuration("1h"))
	refused := line.once(movingTo("eu-west"), refuseAsInvalid)

	w.set(east, lab.Status(503))
	b := w.awaitActive("chat", "eu-west")
	refused.await(w)
	if s := b.Status; s.TransitionSeq != 2 || s.ActiveSeq != 2 {
		t.Errorf("transitionSeq %d, activeSeq %d, want 2 and 2", s.TransitionSeq, s.ActiveSeq)
	}
	// On a busy machine the opening may have been stored alone before.
	if diff := cmp.Diff([]string(nil), moves(b)); diff != "" {
		t.Errorf("moves in the history, which the bare decision leaves out (-want +got):\n%s", diff)
	}
	w.wantSlices(chatSlice + " seq=2 " + west.Addr())

	w.annotate("chat", llmv1alpha1.ResetAnnotation, "1")
	b = w.awaitActive("chat", "us-east")
	if diff := cmp.Diff([]string{"Reset eu-west->us-east"}, moves(b)); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
}

// While the API server is away, what a decision rests on grows old. It is not acted on when the API server is
// back, but found out anew.
func TestPrimaryDiesWhileTheAPIServerIsAway(t *testing.T) {
	w := newWorld(t)
	line := w.wire()
	east, west := w.serve(func(s *llmv1alpha1.LLMBackendSpec) {
		// It is probed for decisions alone, and each of them needs a probe of its own.
		s.Secondaries[0].Probe = &llmv1alpha1.ProbeOverride{Mode: new(llmv1alpha1.ProbeOnDemand)}
	})

	line.sever()
	w.set(east, lab.Status(503))
	w.awaitProbes(1, west) // it answers well, and that cannot be stored
	w.set(west, lab.Status(503))
	w.awaitProbes(2, west)
	line.restore()
	b := w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonNoHealthyRegion)
	if diff := cmp.Diff([]string(nil), moves(b)); diff != "" {
		t.Errorf("moves to a region that answered long ago (-want +got):\n%s", diff)
	}
	w.wantSlices(chatSlice + " seq=0 " + east.Addr())

	w.set(west, lab.Healthy())
	b = w.awaitActive("chat", "eu-west")
	if diff := cmp.Diff([]string{"FailedOver us-east->eu-west"}, moves(b)); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
	w.wantSlices(sliceOf(b) + west.Addr())
}
