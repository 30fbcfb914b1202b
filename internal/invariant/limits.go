// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package invariant

import (
	"slices"
	"time"
)

// removed is the reason of a failover away from a region that has left the spec.
const removed = "ActiveRegionRemoved"

// judgeLimit judges a failover away from a region that fails. One that the history does not have, because the API
// server has refused that, is not counted.
func (j *Judge) judgeLimit(w Write) {
	if j.allFailed(w.Decided) {
		j.violatedf(Limited, w.At, "a failover to %s, with %d failovers in the hour before", w.ActiveRegion, j.spec.MaxPerHour)
	}
	if slices.ContainsFunc(w.History, func(t Transition) bool { return t.Seq == w.ActiveSeq }) {
		j.failed = append(j.failed, w.Decided)
	}
}

// allFailed says whether as many failovers as may be were made in the hour before.
func (j *Judge) allFailed(at time.Time) bool {
	n := 0
	for _, t := range j.failed {
		if at.Before(j.lenient(t.Add(time.Hour))) {
			n++
		}
	}
	return j.spec.MaxPerHour > 0 && n >= j.spec.MaxPerHour
}

// failedIn returns the failovers of a history that count, as an operator knows them that has just read it.
func (j *Judge) failedIn(at time.Time, history []Transition) []time.Time {
	var times []time.Time
	for _, t := range sinceOrder(history) {
		if t.Type == FailedOver && t.Reason != removed {
			times = append(times, at.Add(-max(at.Sub(t.Time.Add(-j.step)), 0)))
		}
	}
	return times
}

// sinceOrder returns the moves since the newest order of a person, newest first.
func sinceOrder(history []Transition) []Transition {
	var moves []Transition
	for _, t := range history {
		if t.Type == WasReset || t.Type == SwitchedOver {
			break
		}
		if t.Type.moves() {
			moves = append(moves, t)
		}
	}
	return moves
}

// minDuration returns how long traffic stays away from a region at least, with that history.
func (s Spec) minDuration(history []Transition, region string) time.Duration {
	d := s.MinDuration
	if s.MaxMinDuration <= d {
		return d
	}
	var stays []time.Duration // of the region, as long as it failed after them; the newest first
	all := sinceOrder(history)
	for i, t := range all {
		if i+1 < len(all) && t.From == region && t.Type == FailedOver && t.Reason != removed && all[i+1].To == region {
			stays = append(stays, t.Time.Sub(all[i+1].Time))
		}
	}
	for _, stay := range stays {
		if stay >= s.MaxMinDuration {
			break
		}
		d *= 2
	}
	return min(d, s.MaxMinDuration)
}
