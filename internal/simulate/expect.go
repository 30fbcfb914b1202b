// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"cmp"
	"math"
	"slices"

	"go.yaml.in/yaml/v3"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

func (r *reading) readExpectations(n *yaml.Node) error {
	entries, err := r.list(n, "expect")
	if err != nil {
		return err
	}
	for _, n := range entries {
		e, err := r.expectation(n)
		if err != nil {
			return err
		}
		r.scenario.Expect = append(r.scenario.Expect, e)
	}
	slices.SortStableFunc(r.scenario.Expect, func(a, b Expectation) int { return cmp.Compare(a.At, b.At) })
	return nil
}

func (r *reading) expectation(n *yaml.Node) (Expectation, error) {
	e := Expectation{Line: n.Line}
	f, err := r.mapping(n, "an entry of expect", "at", "activeRegion", "transitionSeq", "breakers")
	if err != nil {
		return e, err
	}
	if e.At, err = r.at(n, f, "an entry of expect"); err != nil {
		return e, err
	}
	if len(f) == 1 {
		return e, r.errorf(n, "an entry of expect needs activeRegion, transitionSeq or breakers")
	}
	if f["activeRegion"] != nil {
		region, err := r.region(f["activeRegion"], "activeRegion")
		if err != nil {
			return e, err
		}
		e.ActiveRegion = &region
	}
	if f["transitionSeq"] != nil {
		seq, err := r.integer(f["transitionSeq"], "transitionSeq", 0, math.MaxInt32)
		if err != nil {
			return e, err
		}
		e.TransitionSeq = new(int64(seq))
	}
	if f["breakers"] != nil {
		e.Breakers, err = r.breakers(f["breakers"])
	}
	return e, err
}

func (r *reading) breakers(n *yaml.Node) (map[string]llmv1alpha1.BreakerState, error) {
	f, err := r.mapping(n, "breakers")
	if err != nil {
		return nil, err
	}
	states := map[string]llmv1alpha1.BreakerState{}
	for region, value := range f {
		r.named = append(r.named, name{region, value})
		state := llmv1alpha1.BreakerState(value.Value)
		if state != llmv1alpha1.BreakerOpen && state != llmv1alpha1.BreakerClosed {
			return nil, r.errorf(value, "the breaker of %s must be Open or Closed, as status shows it: while it is tried again it is Open", region)
		}
		states[region] = state
	}
	return states, nil
}
