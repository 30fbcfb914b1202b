// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// An operator that was frozen before one of its two writes wakes up when another one has gone on. Its late write is
// refused by the API server itself.
func TestLateWriteOfAFrozenOperator(t *testing.T) {
	for what, write := range map[string]matcher{
		"before it stored its decision":    movingTo("eu-west"),
		"before it published its decision": writingSlice,
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			line := w.wire()
			east, west := w.serve()
			frozen := line.freeze(write)
			w.set(east, lab.Status(503))
			frozen.awaitRequest(w)
			stopFrozen := w.stop

			w.transport = nil
			w.start()
			w.awaitActive("chat", "eu-west")
			w.wantSlices(chatSlice + " seq=2 " + west.Addr())
			w.set(east, lab.Healthy())
			w.awaitActive("chat", "us-east")

			close(frozen.thaw)
			frozen.trap.await(w)
			if frozen.status != http.StatusConflict {
				t.Errorf("the late write was answered with %d, want %d", frozen.status, http.StatusConflict)
			}
			stopFrozen()
			w.wantHistory(w.get("chat"), "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west",
				"3 BreakerClosed us-east", "4 FailedBack eu-west->us-east")
			w.wantSlices(chatSlice + " seq=4 " + east.Addr())
		})
	}
}

// frozenWrite is a request that is held back before it reaches the API server.
type frozenWrite struct {
	trap          *trap
	arrived, thaw chan struct{}
	status        int // of the answer, once the trap is sprung
}

// freeze holds the next request that matches back until the test thaws it.
func (l *wire) freeze(matches matcher) *frozenWrite {
	f := &frozenWrite{arrived: make(chan struct{}), thaw: make(chan struct{})}
	f.trap = l.once(matches, func(req *http.Request, next pass) (*http.Response, error) {
		close(f.arrived)
		select {
		case <-f.thaw:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
		response, err := next(req)
		if err == nil {
			f.status = response.StatusCode
		}
		return response, err
	})
	return f
}

func (f *frozenWrite) awaitRequest(w *world) {
	w.t.Helper()
	select {
	case <-f.arrived:
	case <-time.After(patience):
		w.t.Fatalf("the write to freeze did not come within %s", patience)
	}
}
