// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"net/http"
	"testing"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// An operator that was frozen between its two writes wakes up when another one has gone on. Its late write is
// refused by the API server itself.
func TestLateWriteOfAFrozenOperator(t *testing.T) {
	w := newWorld(t)
	line := w.wire()
	east, west := w.serve()

	frozen, thaw := make(chan struct{}), make(chan struct{})
	var answered int
	late := line.once(writingSlice, func(req *http.Request, next pass) (*http.Response, error) {
		close(frozen)
		select {
		case <-thaw:
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
		response, err := next(req)
		if err == nil {
			answered = response.StatusCode
		}
		return response, err
	})
	w.set(east, lab.Status(503))
	<-frozen
	stopFrozen := w.stop

	w.transport = nil
	w.start()
	w.awaitActive("chat", "eu-west")
	w.wantSlices("chat-breakwater-ipv4 seq=2 " + west.Addr())
	w.set(east, lab.Healthy())
	w.awaitActive("chat", "us-east")
	w.wantSlices("chat-breakwater-ipv4 seq=4 " + east.Addr())

	close(thaw)
	late.await(w)
	if answered != http.StatusConflict {
		t.Errorf("the late write was answered with %d, want %d", answered, http.StatusConflict)
	}
	stopFrozen()
	b := w.get("chat")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west",
		"3 BreakerClosed us-east", "4 FailedBack eu-west->us-east")
	w.wantSlices("chat-breakwater-ipv4 seq=4 " + east.Addr())
}
