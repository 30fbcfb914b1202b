// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package schedules

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/breakwater-dev/breakwater/internal/invariant"
)

// probesOf returns what each probe met at the addresses that it went to, in the order of their answers.
func probesOf(met []record) [][]record {
	type probe struct {
		region  string
		started time.Time
	}
	index := map[probe]int{}
	var all [][]record
	for _, rec := range met {
		p := probe{rec.region, rec.started}
		i, ok := index[p]
		if !ok {
			i = len(all)
			index[p] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], rec)
	}
	return all
}

// answers tells what a probe met. One address that answers is enough for its region. What says less counts when all
// have answered, and once.
func (h *history) answers(probe []record) []event {
	var events []event
	told := map[string]bool{}
	finished := slices.MaxFunc(probe, func(a, b record) int { return a.finished.Compare(b.finished) }).finished
	for _, rec := range probe {
		a := answerOf(rec)
		if a.Class != invariant.Success {
			kind := fmt.Sprint(a.Class, rec.behaviour.retryAfter, a.Gone)
			if told[kind] {
				continue
			}
			told[kind] = true
			a.Finished = finished
		}
		events = append(events, event{a.Finished, 0, func() { h.judge.Answered(a) }})
	}
	return events
}

// answerOf returns what one address answered.
func answerOf(rec record) invariant.Answer {
	a := invariant.Answer{Region: rec.region, Started: rec.started, Finished: rec.finished, Class: invariant.Failure}
	b := rec.behaviour
	switch {
	case rec.noName, rec.timedOut, b.raw != "":
	case b.name == "no files left":
		a.Class = invariant.Unknown
	case b.err != nil:
	case b.status == 429:
		a.Class = invariant.RateLimited
		if seconds, err := strconv.Atoi(b.retryAfter); err == nil {
			a.RetryAfter = new(time.Duration(seconds) * second)
		}
	case b.status == 200:
		a.Class = invariant.Success
	case b.status < 500:
		a.Class, a.Gone = invariant.Excluded, b.status == 404
	}
	return a
}
