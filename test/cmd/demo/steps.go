// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/cmd/internal/playground"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// await waits for the next transition of a type after the one told last.
func (s *story) await(ctx context.Context, want llmv1alpha1.TransitionType) (llmv1alpha1.Transition, error) {
	backend, err := s.playground.AwaitBackend(ctx, bound, fmt.Sprintf("%s in the history", want),
		func(b *llmv1alpha1.LLMBackend) bool { return next(b, want, s.seq) != nil })
	if err != nil {
		return llmv1alpha1.Transition{}, err
	}
	transition := next(backend, want, s.seq)
	s.seq = transition.Seq
	return *transition, nil
}

// next returns the oldest transition of a type that is newer than seq, or nil.
func next(b *llmv1alpha1.LLMBackend, want llmv1alpha1.TransitionType, seq int64) *llmv1alpha1.Transition {
	for i := range slices.Backward(b.Status.History) {
		if t := &b.Status.History[i]; t.Type == want && t.Seq > seq {
			return t
		}
	}
	return nil
}

func isTrue(b *llmv1alpha1.LLMBackend, condition string) bool {
	return meta.IsStatusConditionTrue(b.Status.Conditions, condition)
}

// rewritten waits until clients are sent from one region to the other.
func (s *story) rewritten(ctx context.Context, from, to playground.Region) error {
	slice, err := s.playground.AwaitAddresses(ctx, bound, to.Address)
	if err != nil {
		return err
	}
	s.tellf("rewritten", "EndpointSlice %s: %s -> %s", slice, from.Address, to.Address)
	return nil
}

func (s *story) behave(ctx context.Context, region playground.Region, b lab.Behaviour) error {
	if _, err := lab.SetBehaviour(ctx, region.Admin(), b); err != nil {
		return fmt.Errorf("telling region %s to be %s: %w", region.Name, b, err)
	}
	return nil
}

// probes returns how many probes each region has counted, in spec order.
func (s *story) probes(ctx context.Context) ([]int, error) {
	var counts []int
	for _, region := range playground.Regions() {
		state, err := lab.ReadState(ctx, region.Admin())
		if err != nil {
			return nil, fmt.Errorf("asking region %s for its counts: %w", region.Name, err)
		}
		counts = append(counts, state.Requests["/health"])
	}
	return counts, nil
}

// difference says how many probes came between two counts.
func difference(before, after []int) string {
	var parts []string
	for i, region := range playground.Regions() {
		parts = append(parts, fmt.Sprintf("%s %d", region.Name, after[i]-before[i]))
	}
	return strings.Join(parts, ", ")
}

func clock(t time.Time) string {
	return t.Local().Format("15:04:05.000")
}
