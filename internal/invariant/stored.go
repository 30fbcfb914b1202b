// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package invariant

import (
	"slices"
	"time"
)

// resolution is that of stored times.
const resolution = time.Microsecond

// kept is the most entries that a history has.
const kept = 16

// Write is a status write of the operator that was committed.
type Write struct {
	Record
	// At is when it was committed, Decided when what it says was decided. Where Decided is zero, the record of
	// a move says it, and otherwise it is At.
	At, Decided time.Time
}

// Stored judges a status write of the operator: also one that was not told the operator.
func (j *Judge) Stored(w Write) {
	if j.resting {
		j.violatedf(Rest, w.At, "the status was written: %+v", w.Record)
	}
	if j.stored.UID != w.UID || len(j.uids) == 0 {
		j.begin(w.UID)
	}
	before := j.stored
	first, moved := before.ActiveRegion == "" && w.ActiveRegion != "", before.moved(w.Record)
	if w.Decided.IsZero() {
		w.Decided = w.At
		if (first || moved) && !w.ActiveSince.IsZero() {
			w.Decided = w.ActiveSince.Add(-j.step)
		}
	}
	j.judgeOpenings(w)
	j.observed(w.ObservedGeneration)
	j.judgeNumbers(before, w)
	j.judgeHistory(before, w)
	j.judgeOrders(before, w)
	switch {
	case first:
		j.judgeFirst(w)
		j.since = w.Decided
	case moved:
		j.judgeMove(before, w)
		j.since = w.Decided
	}
	if w.PublishedSeq != nil && !j.published[*w.PublishedSeq] {
		j.violatedf(Published, w.At, "publishedSeq is %d, which no slice has shown", *w.PublishedSeq)
	}
	j.chosen[w.ActiveSeq] = w.ActiveRegion
	j.stored = w.Record
}

// judgeOpenings notes since when breakers are open, and looks for the failure that opened each.
func (j *Judge) judgeOpenings(w Write) {
	for _, b := range w.Breakers {
		r := j.region(b.Region)
		if !b.Open || r.opening.stored.Equal(b.Since) {
			continue
		}
		r.opening = opening{stored: b.Since, at: b.Since.Add(-j.step)}
		slack := j.options.Slack + resolution
		from, until := r.opening.at.Add(-slack), r.opening.at.Add(slack)
		opened := j.valid(r, w.Decided, func(a answer) bool {
			return !a.Finished.Before(from) && !a.Finished.After(until) && (a.stop || a.failed && j.enough(r, a))
		})
		if !opened {
			j.violatedf(Failures, w.At, "the breaker of region %s is open since %v, and nothing that it answered then opens one",
				b.Region, r.opening.at)
		}
	}
}

// enough says whether there were as many failures until a as open a breaker.
func (j *Judge) enough(r *region, a answer) bool {
	n := 0
	for _, other := range r.answers {
		if j.counts(r, other) && other.failed && !other.Finished.After(a.Finished) {
			n++
		}
	}
	return n >= a.threshold
}

// judgeNumbers counts what changed: each is one transition, and a reset is one whatever it closes.
func (j *Judge) judgeNumbers(before Record, w Write) {
	changes := int64(0)
	for _, b := range w.Breakers {
		if b.Open != before.breaker(b.Region).Open && before.HandledReset == w.HandledReset || b.Open && before.ActiveRegion == "" {
			changes++
		}
	}
	if before.moved(w.Record) {
		changes++
	}
	if w.TransitionSeq != before.TransitionSeq+changes {
		j.violatedf(Seq, w.At, "transitionSeq is %d after %d, with %d transitions", w.TransitionSeq, before.TransitionSeq, changes)
	}
	ahead := w.ActiveSeq > before.ActiveSeq && w.ActiveSeq > before.TransitionSeq && w.ActiveSeq <= w.TransitionSeq
	if w.ActiveSeq != before.ActiveSeq && !ahead {
		j.violatedf(Seq, w.At, "activeSeq is %d after %d, transitionSeq %d after %d",
			w.ActiveSeq, before.ActiveSeq, w.TransitionSeq, before.TransitionSeq)
	}
	if before.ActiveRegion != "" && w.ActiveRegion != before.ActiveRegion && w.ActiveSeq == before.ActiveSeq {
		j.violatedf(Whole, w.At, "the active region was %s and is %s, both under activeSeq %d", before.ActiveRegion, w.ActiveRegion, w.ActiveSeq)
	}
}

// judgeHistory holds the entries of the history against each other, those before and the record. A history
// that the API server refused is stored later or never; what it says must be true all the same.
func (j *Judge) judgeHistory(before Record, w Write) {
	if len(w.History) > kept {
		j.violatedf(Whole, w.At, "the history has %d entries", len(w.History))
	}
	moves := 0
	for i, t := range w.History {
		if i > 0 && t.Seq >= w.History[i-1].Seq || t.Seq > w.TransitionSeq || t.Seq < 1 {
			j.violatedf(Seq, w.At, "the history has number %d in place %d, and transitionSeq is %d", t.Seq, i, w.TransitionSeq)
		}
		if t.Seq <= before.TransitionSeq {
			if !slices.ContainsFunc(before.History, t.equal) {
				j.violatedf(Seq, w.At, "number %d is %+v, which it was not before", t.Seq, t)
			}
			continue
		}
		switch t.Type {
		case BreakerOpened, BreakerClosed:
			if w.breaker(t.Region).Open != (t.Type == BreakerOpened) {
				j.violatedf(Whole, w.At, "number %d says %s of region %s, which the breaker does not", t.Seq, t.Type, t.Region)
			}
		case FailedOver, FailedBack, SwitchedOver, WasReset:
			moves++
			if t.Seq != w.ActiveSeq || t.To != w.ActiveRegion || t.From != before.ActiveRegion {
				j.violatedf(Whole, w.At, "number %d moves traffic from %s to %s; it was in %s and is in %s under activeSeq %d",
					t.Seq, t.From, t.To, before.ActiveRegion, w.ActiveRegion, w.ActiveSeq)
			}
		}
	}
	if moves > 1 {
		j.violatedf(Whole, w.At, "one write moves traffic %d times", moves)
	}
}

// judgeOrders checks that tokens are acknowledged as they were given, and a reset only with what it does.
func (j *Judge) judgeOrders(before Record, w Write) {
	first := before.ActiveRegion == ""
	if w.HandledReset != before.HandledReset && (w.HandledReset != j.orders.Reset || !first && !before.moved(w.Record)) {
		j.violatedf(Orders, w.At, "reset %q is acknowledged; %q is asked for, and activeSeq is %d after %d",
			w.HandledReset, j.orders.Reset, w.ActiveSeq, before.ActiveSeq)
	}
	if w.HandledSwitch != before.HandledSwitch && w.HandledSwitch != j.orders.Switch {
		j.violatedf(Orders, w.At, "switch %q is acknowledged, and %q is asked for", w.HandledSwitch, j.orders.Switch)
	}
}
