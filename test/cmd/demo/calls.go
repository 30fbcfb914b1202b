// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/breakwater-dev/breakwater/test/cmd/internal/playground"
)

// chartWidth is the number of columns that fit beside the names of regions in a
// terminal of 80.
const chartWidth = 68

// answers is how many a region gives the client before the next act, so that the
// chart shows it.
const answers = 10

// startClient has the client call from now on, if there is a node for it.
func (s *story) startClient(ctx context.Context) error {
	if s.playground.Plain() {
		return nil
	}
	url, err := s.playground.StartClient(ctx)
	if err != nil {
		return err
	}
	s.toldCalls = time.Now()
	s.tellf("client", "on the node, calls %s/v1/chat/completions ten times a second", url)
	return s.tellCalls(ctx, s.primary)
}

// tellCalls waits until a region that traffic was sent to has answered the
// client some times, and says what that saw since it was told last.
func (s *story) tellCalls(ctx context.Context, to playground.Region) error {
	if s.playground.Plain() {
		return nil
	}
	calls, err := s.playground.AwaitAnswers(ctx, bound, to.Name, answers, s.toldCalls)
	if err != nil {
		return err
	}
	s.tellf("client saw", "%s", calls)
	s.toldCalls = calls[len(calls)-1].Start.Add(1)
	return nil
}

// drawCalls draws all that the client saw.
func (s *story) drawCalls() {
	if s.playground.Plain() {
		return
	}
	var names []string
	for _, region := range playground.Regions() {
		names = append(names, region.Name)
	}
	calls := s.playground.Calls.Stop()
	_, _ = fmt.Fprintf(s.out, "\nWho answered the client:\n\n%s\n%s\n", calls.Chart(chartWidth, names...), calls)
}
