// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
)

// Scenario is what happens to one LLMBackend, and what is expected of it.
type Scenario struct {
	// File is where it was read from.
	File string
	// Backend as the API server would store it.
	Backend  *llmv1alpha1.LLMBackend
	Duration time.Duration
	// Timeline in order of time.
	Timeline []Entry
	// Expect in order of time.
	Expect []Expectation
}

// Entry is something that happens.
type Entry struct {
	At     time.Duration
	Action Action
}

// Action is what happens in an Entry: [Responds], [Calls], [Update] or [Restart].
type Action interface {
	// play does it once, now.
	play(w *world) error
}

// Responds sets what probes of a region see that start from then on.
type Responds struct {
	Region   string
	Response Response
}

// Response is what a region does to a probe. A latency of the probe's timeout or more is a timeout.
type Response struct {
	failover.Response
	Latency time.Duration
	// Hangs: it never answers.
	Hangs bool
	// Climbed is the status that probes see which climb a ladder, where the rest is good; 0 for no other one.
	Climbed int
}

// Calls are calls to a region that real traffic makes and reports: Times of them, one each Every.
type Calls struct {
	Region   string
	Response failover.Response
	Times    int
	Every    time.Duration
}

// Update stores another spec or other annotations.
type Update struct {
	Backend *llmv1alpha1.LLMBackend
}

// Restart loses everything but what is stored.
type Restart struct{}

// Expectation is what must hold at a time, after everything else of that instant. What is nil is not checked.
type Expectation struct {
	At            time.Duration
	Line          int
	ActiveRegion  *string
	TransitionSeq *int64
	// Breakers are states by region, as status shows them.
	Breakers map[string]llmv1alpha1.BreakerState
}
