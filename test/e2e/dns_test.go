// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// A region that gets another address is followed there, and stays the active
// one. The old address refuses only after clients have been sent to the new.
func TestNameChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.region(0, 0)
	w.region(1, 0)
	host := w.ns + ".us-east.test"
	names.set(host, fmt.Sprintf("10.1.%d.10", w.number))
	b := w.backend()
	b.Spec.Primary.Endpoint.URL = "http://" + host + ":8000"
	w.create(b)
	w.call()
	w.awaitAnswer(primary, time.Time{})

	moved := w.region(0, 1)
	names.set(host, fmt.Sprintf("10.1.%d.11", w.number))
	w.eventually("clients are at the new address", func() bool {
		return moved.Requests()["/v1/chat/completions"] > 0
	})
	w.awaitCalls(20)
	before := old.Requests()["/v1/chat/completions"]
	w.awaitCalls(20)
	if after := old.Requests()["/v1/chat/completions"]; after != before {
		t.Errorf("%d calls at the old address after the move", after-before)
	}
	old.Close()
	w.awaitCalls(20)
	w.wantNoErrors()
	got := w.get()
	moves := slices.ContainsFunc(got.Status.History, func(h llmv1alpha1.Transition) bool { return h.To != "" })
	if got.Status.ActiveRegion != primary || moves {
		t.Errorf("active %s, history %v; want %s, without a change", got.Status.ActiveRegion, got.Status.History, primary)
	}
}
