// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"
)

// Signal is what to ask about the regions of one LLMBackend, and how to read it.
type Signal struct {
	// Server is the URL of the server, without a slash at its end.
	Server  string
	Regions []Region
	Window  time.Duration
	// Period lies between two evaluations.
	Period time.Duration
	// MinCalls is how many calls the window must have; it needs Region.Total.
	MinCalls int
	// FailurePercent is the share of failed calls from which on the region fails.
	FailurePercent int
}

// Region holds the queries about one region: Bad and Total, or ErrorRatio, with or without Total.
type Region struct {
	Name                   string
	Bad, Total, ErrorRatio string
}

// Problem is why an evaluation says nothing; empty if it says something, or there was not enough traffic to tell.
type Problem string

// The problems.
const (
	NotAllowed  Problem = "ServerNotAllowed"
	Unreachable Problem = "ServerUnreachable"
	Refused     Problem = "QueryRefused"
	NoData      Problem = "NoData"
	Ambiguous   Problem = "AmbiguousResult"
)

// Verdict is what one evaluation says of a region.
type Verdict struct {
	// Failing: too many of Calls calls have failed. Calls is math.MaxInt where nobody counts them.
	Failing bool
	Calls   int
	Problem Problem
}

// Expand fills in what stands for the region and the window in a query.
func Expand(query, selector string, window time.Duration) string {
	return strings.NewReplacer("${selector}", selector, "${window}", strconv.FormatInt(window.Milliseconds(), 10)+"ms").Replace(query)
}

// Evaluate asks about one region, and returns at most twice the patience of a query later.
func (c *Client) Evaluate(ctx context.Context, s Signal, r Region) Verdict {
	calls := math.MaxInt
	rate := math.NaN()
	if r.Total != "" {
		value, problem := c.value(ctx, s.Server, r.Total, s.Window)
		switch {
		case problem != "":
			return Verdict{Problem: problem}
		case math.IsNaN(value) || math.IsInf(value, 0) || value < 0:
			return Verdict{Problem: Ambiguous}
		}
		rate = value
		calls = int(min(math.Round(rate*s.Window.Seconds()), math.MaxInt32))
		if calls < max(s.MinCalls, 1) {
			return Verdict{Calls: calls}
		}
	}
	ratio, problem := c.ratio(ctx, s, r, rate)
	if problem != "" {
		return Verdict{Problem: problem}
	}
	return Verdict{Failing: ratio*100 >= float64(s.FailurePercent), Calls: calls}
}

// ratio returns the share of failed calls; 0 where there were no calls.
func (c *Client) ratio(ctx context.Context, s Signal, r Region, rate float64) (float64, Problem) {
	query := r.ErrorRatio
	if query == "" {
		query = r.Bad
	}
	ratio, problem := c.value(ctx, s.Server, query, s.Window)
	if problem != "" {
		return 0, problem
	}
	if r.ErrorRatio == "" {
		ratio /= rate
	} else if math.IsNaN(ratio) {
		return 0, "" // nothing of nothing
	}
	// The two queries are evaluated one after the other, and so may differ a little.
	const slack = 0.25
	if math.IsNaN(ratio) || ratio < 0 || ratio > 1+slack {
		return 0, Ambiguous
	}
	return ratio, ""
}
