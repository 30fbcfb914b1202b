// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// metered is a server that bills completions, and fails in what is free and in what is not as it is told.
type metered struct {
	free, billed atomic.Int32 // status codes of answers
	bills        atomic.Int32
}

func newMetered() *metered {
	m := &metered{}
	m.free.Store(http.StatusOK)
	m.billed.Store(http.StatusOK)
	return m
}

func (m *metered) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		w.WriteHeader(int(m.free.Load()))
		return
	}
	m.bills.Add(1)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(m.billed.Load()))
	_, _ = w.Write([]byte(`{"choices":[{"index":0}],"usage":{"total_tokens":12}}`))
}

// A region whose model hangs while its health endpoint is good: completions are asked for on suspicion, before the
// failover and as trials, until the budget is used up, and none after that, also by the next operator.
func TestBudget(t *testing.T) {
	w := newWorld(t)
	w.start()
	east, west := newMetered(), newMetered()
	w.apply(makeLLMBackend("chat").primary("us-east", w.serveHTTP(0, east)).secondary("eu-west", w.serveHTTP(1, west)).
		edit(func(s *llmv1alpha1.LLMBackendSpec) {
			s.Model = "gpt"
			s.Probe.Ladder = []llmv1alpha1.ProbeRung{{Type: llmv1alpha1.RungOpenAICompletion}}
			s.Probe.Budget.MaxCompletionsPerHour = new(int32(5))
		}).obj())
	w.await("chat", "published", published)
	if n := east.bills.Load() + west.bills.Load(); n > 0 {
		t.Errorf("%d completions before anything was suspected", n)
	}

	east.billed.Store(http.StatusServiceUnavailable)
	east.free.Store(http.StatusServiceUnavailable)
	w.awaitOpen("chat", "us-east")
	east.free.Store(http.StatusOK)
	w.awaitActive("chat", "eu-west")
	if west.bills.Load() == 0 {
		t.Error("traffic was moved without a completion of the region that it went to")
	}
	b := w.awaitCondition("chat", "ProbeBudgetExhausted=True BudgetExhausted")
	want := &llmv1alpha1.ProbeSpend{Completions: llmv1alpha1.SpendRecord{Since: b.Status.Regions[0].Spend.Completions.Since, Spent: []int64{5}}}
	if diff := cmp.Diff(want, b.Status.Regions[0].Spend); diff != "" {
		t.Errorf("what the status says was spent (-want +got):\n%s", diff)
	}

	w.restart()
	w.awaitTrials("chat", "us-east", 3)
	if n := east.bills.Load(); n != 5 {
		t.Errorf("%d completions of us-east, want 5", n)
	}
	if got := w.get("chat").Status.ActiveRegion; got != "eu-west" {
		t.Errorf("active region %s, want eu-west: us-east has answered no completion", got)
	}
}
