// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package invariant

import "time"

// judgeFirst judges the first publication: the primary, before anything is known. Orders that are there already
// are acknowledged and not carried out.
func (j *Judge) judgeFirst(w Write) {
	if j.spec.rank(w.ActiveRegion) != 0 {
		j.violatedf(InSpec, w.At, "the first region to be published is %s, which is not the primary", w.ActiveRegion)
	}
	if w.HandledReset != j.orders.Reset || w.HandledSwitch != j.orders.Switch {
		j.violatedf(Orders, w.At, "first published with reset %q and switch %q asked for, and %q and %q acknowledged",
			j.orders.Reset, j.orders.Switch, w.HandledReset, w.HandledSwitch)
	}
	j.judgePause(w)
}

func (j *Judge) judgePause(w Write) {
	clock := w.Decided.Add(j.step + j.options.Slack)
	if j.orders.Paused && (j.orders.PausedUntil.IsZero() || clock.Before(j.orders.PausedUntil)) {
		j.violatedf(Allowed, w.At, "traffic was sent to %s in a pause", w.ActiveRegion)
	}
}

// judgeMove judges a change of the active region.
func (j *Judge) judgeMove(before Record, w Write) {
	from, to := before.ActiveRegion, w.ActiveRegion
	kind := j.typeOf(before, w)
	if _, ok := j.spec.region(to); !ok {
		j.violatedf(InSpec, w.At, "%s from %s to %s, which is not in the spec", kind, from, to)
		return
	}
	j.judgePause(w)
	if wanted := j.orders.Reset != "" && j.orders.Reset != before.HandledReset; wanted && kind != WasReset {
		j.violatedf(Reset, w.At, "%s from %s to %s while reset %q waits", kind, from, to, j.orders.Reset)
	}
	if kind != WasReset && w.breaker(to).Open {
		j.violatedf(Evidence, w.At, "%s from %s to %s, whose breaker is open", kind, from, to)
	}
	if kind == WasReset || kind == SwitchedOver {
		j.failed = nil
	}
	switch kind {
	case WasReset:
		j.judgeReset(before, w)
	case SwitchedOver:
		j.judgeSwitch(before, w)
	case FailedOver:
		j.judgeFailover(before, w)
	default:
		j.judgeFailback(before, w)
	}
}

// typeOf returns the type of a move as the history says it, or where that was refused, as the record shows it.
func (j *Judge) typeOf(before Record, w Write) TransitionType {
	for _, t := range w.History {
		if t.Seq == w.ActiveSeq {
			return t.Type
		}
	}
	switch {
	case before.HandledReset != w.HandledReset:
		return WasReset
	case before.HandledSwitch != w.HandledSwitch:
		return SwitchedOver
	case w.breaker(before.ActiveRegion).Open || j.spec.rank(before.ActiveRegion) < 0:
		return FailedOver
	default:
		return FailedBack
	}
}

func (j *Judge) judgeReset(before Record, w Write) {
	if j.orders.Reset == "" || j.orders.Reset == before.HandledReset || w.HandledReset != j.orders.Reset {
		j.violatedf(Orders, w.At, "a reset; asked for is %q, handled was %q and is %q", j.orders.Reset, before.HandledReset, w.HandledReset)
	}
	if j.spec.rank(w.ActiveRegion) != 0 {
		j.violatedf(Reset, w.At, "a reset to %s, which is not the primary", w.ActiveRegion)
	}
	if w.Pinned {
		j.violatedf(Reset, w.At, "a reset leaves %s pinned", w.ActiveRegion)
	}
	for _, b := range w.Breakers {
		if b.Open {
			j.violatedf(Reset, w.At, "a reset leaves the breaker of region %s open", b.Region)
		}
	}
	j.forgetAnswers(w.At)
}

func (j *Judge) judgeSwitch(before Record, w Write) {
	o := j.orders
	if o.Switch == "" || o.Switch == before.HandledSwitch || w.HandledSwitch != o.Switch || o.SwitchTo != w.ActiveRegion {
		j.violatedf(Orders, w.At, "a switch to %s; asked for is %q to %s, handled was %q and is %q",
			w.ActiveRegion, o.Switch, o.SwitchTo, before.HandledSwitch, w.HandledSwitch)
	}
	j.judgeEvidence(w, Evidence, "asked for", func(a answer) bool { return !a.Started.Before(j.lenient(j.askedAt)) })
}

func (j *Judge) judgeFailover(before Record, w Write) {
	from := before.ActiveRegion
	if j.spec.Mode != Automatic {
		j.violatedf(Allowed, w.At, "a failover from %s to %s in mode %s", from, w.ActiveRegion, j.spec.Mode)
	}
	r := j.region(from)
	c := cause{kind: "left the spec", region: from, at: r.leftSpec}
	if j.spec.rank(from) >= 0 {
		c = cause{kind: "open", region: from, at: r.opening.stored.UTC()}
		if !w.breaker(from).Open {
			j.violatedf(Cause, w.At, "a failover from %s to %s, and the breaker of %s is closed", from, w.ActiveRegion, from)
			return
		}
	}
	if seq, again := j.causes[c]; again {
		j.violatedf(Once, w.At, "a failover from %s to %s for what number %d was for", from, w.ActiveRegion, seq)
	}
	j.causes[c] = w.ActiveSeq
	if c.kind == "open" {
		j.judgeLimit(w)
	}
	trigger := r.leftSpec
	if c.kind == "open" {
		trigger = j.beganToFail(r)
	}
	if !j.someoneAnswered(from, w, trigger) {
		j.violatedf(Hold, w.At, "a failover from %s to %s, and no other region had answered since %v", from, w.ActiveRegion, trigger)
		return
	}
	j.judgeEvidence(w, Evidence, "triggered", func(a answer) bool { return !a.Started.Before(j.lenient(trigger)) })
}

// beganToFail returns when the region's breaker opened, or where it was closed for a moment before, as long as
// the slowest probe at most, the earliest time at which it may have opened at first: the probes of the first
// time count for the second.
func (j *Judge) beganToFail(r *region) time.Time {
	opened := r.opening.at
	earliest := opened.Add(-j.spec.longestProbe())
	if j.valid(r, opened, func(a answer) bool { return a.Class == Success && !a.Finished.Before(earliest) }) {
		return earliest
	}
	return opened
}

// someoneAnswered says whether a region other than from has answered a probe that began after the trigger.
func (j *Judge) someoneAnswered(from string, w Write, trigger time.Time) bool {
	for name, r := range j.known {
		if name != from && j.valid(r, w.Decided, func(a answer) bool {
			return a.mayMove() && !a.Started.Before(j.lenient(trigger))
		}) {
			return true
		}
	}
	return false
}

func (j *Judge) judgeFailback(before Record, w Write) {
	from, to := before.ActiveRegion, w.ActiveRegion
	if j.spec.Mode != Automatic {
		j.violatedf(Allowed, w.At, "a failback from %s to %s in mode %s", from, to, j.spec.Mode)
	}
	if j.spec.ManualFailback || before.Pinned || w.breaker(from).Open || j.spec.rank(to) >= j.spec.rank(from) {
		j.violatedf(Preferred, w.At, "a failback from %s (place %d, pinned %v, open %v) to %s (place %d), manual %v",
			from, j.spec.rank(from), before.Pinned, w.breaker(from).Open, to, j.spec.rank(to), j.spec.ManualFailback)
	}
	if j.allFailed(w.Decided) {
		j.violatedf(Left, w.At, "a failback from %s to %s, with %d failovers in the hour before", from, to, j.spec.MaxPerHour)
	}
	due := j.since.Add(j.spec.minDuration(before.History, to))
	if w.Decided.Before(j.lenient(due)) {
		j.violatedf(MinDuration, w.At, "a failback from %s to %s at %v, due at %v", from, to, w.Decided, due)
		return
	}
	j.judgeEvidence(w, Due, "due", func(a answer) bool { return !a.Finished.Before(j.lenient(due)) })
}

// judgeEvidence looks for a success of a probe that a move may rest on: one that is good, or the rule is
// broken, and among these one that is fresh.
func (j *Judge) judgeEvidence(w Write, rule Rule, since string, good func(answer) bool) {
	r := j.region(w.ActiveRegion)
	spec, _ := j.spec.region(w.ActiveRegion)
	success := func(a answer) bool { return a.mayMove() && good(a) }
	oldest := j.lenient(w.Decided.Add(-spec.Period))
	switch {
	case !j.valid(r, w.Decided, success):
		j.violatedf(rule, w.At, "traffic moved to %s, which had not answered a probe since that was %s", w.ActiveRegion, since)
	case !j.valid(r, w.Decided, func(a answer) bool { return success(a) && !a.Started.Before(oldest) }):
		j.violatedf(Fresh, w.At, "traffic moved to %s, which had last answered a probe that began before %v", w.ActiveRegion, oldest)
	}
}

// mayMove says whether a move may rest on an answer of that kind.
func (a answer) mayMove() bool { return a.Class == Success && !a.ByTraffic && !a.AskedLess }

// lenient returns the earliest time that may be told as t.
func (j *Judge) lenient(t time.Time) time.Time { return t.Add(-j.options.Slack - resolution) }
