// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// Result is how a scenario went.
type Result struct {
	// Transitions in order of their numbers.
	Transitions []Transition
	// ActiveRegion and TransitionSeq at the end.
	ActiveRegion  string
	TransitionSeq int64
	// Expected is how many fields were checked; Failures are those that were not as expected.
	Expected int
	Failures []Failure
}

// Transition is an entry of the decision log.
type Transition struct {
	// At is the time since the beginning.
	At   time.Duration
	Seq  int64
	Type string
	// Region is that of a breaker; From and To those of a move.
	Region, From, To string
	// ActiveRegion is the active region after the transition.
	ActiveRegion string
	Reason       string
}

// Failure is a field that was not as expected. Line is that of the expectation in the file.
type Failure struct {
	At               time.Duration
	Line             int
	Field, Want, Got string
}

// Run plays a scenario. It fails only if the decision contradicts itself.
func Run(s *Scenario) (*Result, error) {
	w := newWorld(s)
	if err := w.observe(); err != nil {
		return nil, err
	}
	if err := w.instant(); err != nil {
		return nil, err
	}
	result := &Result{}
	for _, e := range s.Expect {
		if err := w.run(e.At); err != nil {
			return nil, err
		}
		result.check(w, e)
	}
	if err := w.run(s.Duration); err != nil {
		return nil, err
	}
	result.Transitions = w.transcript
	result.ActiveRegion, result.TransitionSeq = w.backend.Status.ActiveRegion, w.backend.Status.TransitionSeq
	return result, nil
}

// run goes on until the given time, whose events it includes.
func (w *world) run(until time.Duration) error {
	for {
		next, ok := w.next()
		if !ok || next > until {
			w.now = until
			return nil
		}
		w.now = max(next, w.now)
		if err := w.instant(); err != nil {
			return err
		}
	}
}

func (r *Result) check(w *world, e Expectation) {
	compare := func(field, want, got string) {
		r.Expected++
		if want != got {
			r.Failures = append(r.Failures, Failure{e.At, e.Line, field, want, got})
		}
	}
	status := &w.backend.Status
	if e.ActiveRegion != nil {
		compare("activeRegion", *e.ActiveRegion, status.ActiveRegion)
	}
	if e.TransitionSeq != nil {
		compare("transitionSeq", strconv.FormatInt(*e.TransitionSeq, 10), strconv.FormatInt(status.TransitionSeq, 10))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Breakers)) {
		compare(fmt.Sprintf("breakers[%s]", name), string(e.Breakers[name]), breakerState(status, name))
	}
}

func breakerState(s *llmv1alpha1.LLMBackendStatus, region string) string {
	for _, r := range s.Regions {
		if r.Name == region {
			return string(r.Breaker.State)
		}
	}
	return "no such region"
}
