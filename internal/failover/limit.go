// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"slices"
	"time"
)

// limitWindow is the time in which [Config.MaxPerHour] failovers may be made.
const limitWindow = time.Hour

// removedReason is that of a failover away from a region that a person has removed.
const removedReason = "ActiveRegionRemoved"

// counts says whether the transition is one of those that MaxPerHour limits. To leave a region that was removed
// is what a person has asked for.
func (t *Transition) counts() bool { return t.Type == FailedOver && t.Reason != removedReason }

// ordered says whether a person has asked for the transition. What was counted before is over then: the person
// has looked.
func (t *Transition) ordered() bool { return t.Type == Reset || t.Type == SwitchedOver }

// tally is when the failovers were made that count, oldest first. Its times are on the clock of memory, which no one
// can turn back.
type tally []time.Time

// recalled reads a tally from the stored history.
func recalled(now time.Time, history []Transition) (counted tally) {
	for i := range history {
		t := &history[i]
		if t.ordered() {
			break
		}
		if t.counts() {
			counted = append(counted, remembered(now, t.Time))
		}
	}
	slices.SortFunc(counted, time.Time.Compare)
	return counted
}

// with returns the tally when the transitions are made too.
func (c tally) with(now time.Time, transitions []Transition) tally {
	for i := range transitions {
		switch t := &transitions[i]; {
		case t.ordered():
			c = nil
		case t.counts():
			c = append(slices.Clone(c), remembered(now, t.Time))
			c = c[max(0, len(c)-keptTransitions):]
		}
	}
	return c
}

// end returns when another failover is allowed where there may be so many in an hour; zero while one is.
func (c tally) end(most int) time.Time {
	if most <= 0 || len(c) < most {
		return time.Time{}
	}
	return c[len(c)-most].Add(limitWindow)
}

func (m *Machine) limitEnd() time.Time { return m.counted.end(m.config.MaxPerHour) }

// shown returns the end of a limit as it is stored; zero if it is over.
func shown(now, end time.Time) time.Time {
	if !now.Before(end) {
		return time.Time{}
	}
	return storedDeadline(end)
}

// LimitedUntil returns when MaxPerHour allows a failover again, to whoever reads the record at now; zero while it
// allows one.
func (c *Config) LimitedUntil(now time.Time, r *Record) time.Time {
	return shown(now, recalled(now, r.History).end(c.MaxPerHour))
}

// mayFailOver says whether traffic should leave the active region, and may.
func (m *Machine) mayFailOver(now time.Time) bool {
	return m.activeFailed() && m.config.Mode != Disabled && (m.active < 0 || !now.Before(m.limitEnd()))
}
