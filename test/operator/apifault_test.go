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
	somebodyAnnotates := func(w *world) func(*http.Request, pass) (*http.Response, error) {
		return func(req *http.Request, next pass) (*http.Response, error) {
			w.annotate("chat", "example.com/owner", "team-a")
			return next(req)
		}
	}
	always := func(answer func(*http.Request, pass) (*http.Response, error)) func(*world) func(*http.Request, pass) (*http.Response, error) {
		return func(*world) func(*http.Request, pass) (*http.Response, error) { return answer }
	}
	tests := map[string]struct {
		matches matcher
		answer  func(*world) func(*http.Request, pass) (*http.Response, error)
	}{
		"the status write is lost":                   {movingTo("eu-west"), always(loseRequest)},
		"the answer to the status write is lost":     {movingTo("eu-west"), always(loseAnswer)},
		"somebody annotates before the status write": {movingTo("eu-west"), somebodyAnnotates},
		"the write of the slice is lost":             {writingSlice, always(loseRequest)},
		"the answer to that is lost":                 {writingSlice, always(loseAnswer)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			line := w.wire()
			east, west := w.serve()
			trap := line.once(test.matches, test.answer(w))

			w.set(east, lab.Status(503))
			b := w.awaitActive("chat", "eu-west")
			trap.await(w)
			w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
			w.wantSlices(chatSlice + " seq=2 " + west.Addr())

			w.set(east, lab.Healthy())
			b = w.awaitActive("chat", "us-east")
			w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west",
				"3 BreakerClosed us-east", "4 FailedBack eu-west->us-east")
			w.wantSlices(chatSlice + " seq=4 " + east.Addr())
		})
	}
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
	w.wantHistory(b)
	w.wantSlices(chatSlice + " seq=2 " + west.Addr())

	w.annotate("chat", llmv1alpha1.ResetAnnotation, "1")
	b = w.awaitActive("chat", "us-east")
	w.wantHistory(b, "3 Reset eu-west->us-east")
}

// While the API server is away, what a decision rests on grows old. It is not acted on then.
func TestPrimaryDiesWhileTheAPIServerIsAway(t *testing.T) {
	w := newWorld(t)
	line := w.wire()
	east, west := w.serve()

	line.sever()
	w.set(east, lab.Status(503))
	w.awaitProbes(5, east)
	w.awaitProbes(1, west) // it answered well, when nothing could be stored
	w.set(west, lab.Status(503))
	w.awaitProbes(4, west)
	line.restore()
	b := w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonNoHealthyRegion)
	if len(moves(b)) > 0 {
		t.Errorf("moved to a region that answered before the API server came back: %v", moves(b))
	}

	w.set(west, lab.Healthy())
	b = w.awaitActive("chat", "eu-west")
	if diff := cmp.Diff([]string{"FailedOver us-east->eu-west"}, moves(b)); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
	w.wantSlices(sliceOf(b) + west.Addr())
}
