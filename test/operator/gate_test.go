// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// gate holds back the requests that reach a region.
type gate struct {
	t        *testing.T
	arrivals chan *heldRequest
}

// heldRequest is a request that waits for its answer.
type heldRequest struct {
	answer chan struct{}
	gone   <-chan struct{}
}

// hold has every request to the region wait until the test lets it go on.
func (w *world) hold(r *lab.Region) *gate {
	w.t.Helper()
	g := &gate{t: w.t, arrivals: make(chan *heldRequest, 1000)}
	r.OnRequest(func(req *http.Request) {
		h := &heldRequest{answer: make(chan struct{}), gone: req.Context().Done()}
		g.arrivals <- h
		select {
		case <-h.answer:
		case <-h.gone:
		}
	})
	return g
}

// next waits for the next request.
func (g *gate) next() *heldRequest {
	g.t.Helper()
	select {
	case h := <-g.arrivals:
		return h
	case <-time.After(patience):
		g.t.Fatalf("no request arrived within %s", patience)
		return nil
	}
}

// letGo has the request answered.
func (h *heldRequest) letGo() { close(h.answer) }

// awaitGone waits until the operator has given the request up.
func (h *heldRequest) awaitGone(t *testing.T) {
	t.Helper()
	select {
	case <-h.gone:
	case <-time.After(patience):
		t.Fatalf("the operator did not give the probe up within %s", patience)
	}
}

// waits says whether the operator still waits for the answer.
func (h *heldRequest) waits() bool {
	select {
	case <-h.gone:
		return false
	default:
		return true
	}
}
