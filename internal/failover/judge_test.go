// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"cmp"
	"slices"
	"time"
)

// judge is a witness that knows the rules and nothing of how the machine obeys them.
type judge struct {
	w *world

	active     string
	failing    bool
	left       time.Duration // when the active region was last seen to be well
	trigger    time.Duration // when it began to fail; being well for less than a probe takes does not count
	movedAt    time.Duration // when the newest stored move was decided
	plannedAt  time.Duration
	askedAt    time.Duration // when the newest order came
	orders     Orders
	identities map[string]string
	validFrom  map[string]time.Duration // answers of older probes say nothing
	successes  map[string][]success
	resets     map[string]bool
}

type success struct{ started, finished time.Duration }

// merged is how long the active region may be well before its next failure is a new trigger: as long as
// the slowest probe.
const merged = probeTimeout

func newJudge(w *world) *judge {
	return &judge{
		w: w, identities: map[string]string{}, validFrom: map[string]time.Duration{},
		successes: map[string][]success{}, resets: map[string]bool{},
	}
}

func (j *judge) looked() {
	w := j.w
	if w.orders != j.orders {
		j.orders, j.askedAt = w.orders, w.now
	}
	for _, r := range w.config.Regions {
		if j.identities[r.Name] != r.Identity {
			j.identities[r.Name] = r.Identity
			j.forget(r.Name)
		}
	}
	for name := range j.identities {
		if w.machine.index(name) < 0 {
			delete(j.identities, name)
		}
	}
	j.follow()
}

// follow keeps track of when the active region began to fail.
func (j *judge) follow() {
	w := j.w
	failing := w.machine.activeFailed()
	switch {
	case w.stored.ActiveRegion != j.active:
		j.active, j.failing = w.stored.ActiveRegion, false
		j.left = -time.Hour
		j.follow()
		return
	case failing && !j.failing && w.now-j.left > merged:
		j.trigger = w.now
	case !failing && j.failing:
		j.left = w.now
	}
	j.failing = failing
}

func (j *judge) forget(region string) {
	j.validFrom[region] = j.w.now
	delete(j.successes, region)
}

func (j *judge) restarted() {
	for name := range j.identities {
		j.forget(name)
	}
}

func (j *judge) answered(f inFlight) {
	valid := f.started >= j.validFrom[f.Region] && j.identities[f.Region] != ""
	if valid && outcome(f.answer.Response).Class == Success {
		j.successes[f.Region] = append(j.successes[f.Region], success{f.started, j.w.now})
	}
}

// planned judges a decision at the moment at which it is about to be stored.
func (j *judge) planned(p Plan) {
	j.plannedAt = j.w.now
	j.judgeLimits(p)
	for _, t := range p.Transitions {
		if !t.Type.MovesRegion() {
			continue
		}
		j.require(!j.w.orders.paused(j.w.clock()), t, "it is paused")
		j.require(j.region(t.To) != nil, t, "the spec has no such region")
		switch t.Type {
		case Reset:
			j.judgeReset(p, t)
		case FailedOver:
			j.judgeFailover(p, t)
		case FailedBack:
			j.judgeFailback(t)
		case SwitchedOver:
			j.require(t.To == j.orders.SwitchTo && j.w.stored.HandledSwitch != j.orders.Switch, t, "nobody asked")
			j.require(j.evidence(t.To, func(s success) bool { return s.started >= j.askedAt }), t, "no fresh success")
		case BreakerOpened, BreakerClosed:
		}
	}
}

// judgeLimits checks that adaptive breakers go by what their bounds allow, and others by what is configured.
func (j *judge) judgeLimits(p Plan) {
	for i, l := range p.Limits {
		c := j.w.config.Regions[i].Breaker
		threshold, open := cmp.Or(l.FailureThreshold, c.FailureThreshold), cmp.Or(l.OpenDuration, c.OpenDuration)
		low, high := c, c
		if a := c.Adaptive; a != nil {
			low.FailureThreshold, low.OpenDuration = a.MinFailureThreshold, a.MinOpenDuration
			high.FailureThreshold, high.OpenDuration = a.MaxFailureThreshold, a.MaxOpenDuration
		}
		if threshold < low.FailureThreshold || threshold > high.FailureThreshold ||
			open < low.OpenDuration-time.Second || open > high.OpenDuration+time.Second {
			j.w.t.Fatalf("%v: limits %d and %v, which %+v does not allow", j.w.now, threshold, open, c)
		}
	}
}

func (j *judge) judgeReset(p Plan, t Transition) {
	j.require(t.To == j.w.config.Regions[0].Name, t, "it is not the primary")
	j.require(!j.resets[j.orders.Reset], t, "it was done before")
	j.require(!slices.ContainsFunc(p.Record.Regions, func(r RegionRecord) bool { return r.Open }), t, "a breaker is open")
}

func (j *judge) judgeFailover(p Plan, t Transition) {
	j.require(j.w.config.Mode == Automatic, t, "the mode is not Automatic")
	j.require(j.failing, t, "the active region is well")
	j.require(j.evidence(t.To, func(s success) bool { return s.started >= j.trigger }), t, "no success after the trigger")
	to, _ := p.Record.region(t.To)
	j.require(!to.Open, t, "its breaker is open")
}

func (j *judge) judgeFailback(t Transition) {
	c := j.w.config
	due := j.movedAt + c.MinDuration
	j.require(c.Mode == Automatic && !c.ManualFailback && !j.w.stored.Pinned, t, "it is not allowed")
	j.require(!j.failing, t, "the active region fails")
	j.require(j.w.now >= due, t, "before minDuration")
	j.require(j.rank(t.To) < j.rank(t.From), t, "it is not preferred")
	j.require(j.evidence(t.To, func(s success) bool { return s.finished >= due }), t, "no success since it is due")
}

func (j *judge) put(before Record, p Plan) {
	w := j.w
	moves := 0
	for i, t := range p.Transitions {
		j.require(t.Seq == before.TransitionSeq+int64(i)+1, t, "the sequence has a gap")
		if t.Type.MovesRegion() {
			moves++
			j.require(p.Record.ActiveSeq == t.Seq && p.Record.ActiveRegion == t.To && t.From == before.ActiveRegion, t,
				"the record does not follow from it")
			j.movedAt = j.plannedAt
		}
		if t.Type == Reset {
			j.resets[p.Record.HandledReset] = true
			j.restarted()
		}
	}
	first := before.ActiveRegion == ""
	changed := p.Record.ActiveRegion != before.ActiveRegion || p.Record.ActiveSeq != before.ActiveSeq
	if moves > 1 || !first && changed != (moves == 1) {
		w.t.Fatalf("%v: %d moves from %s (%d) to %s (%d)", w.now, moves,
			before.ActiveRegion, before.ActiveSeq, p.Record.ActiveRegion, p.Record.ActiveSeq)
	}
	if first {
		j.movedAt = j.plannedAt
	}
	if len(p.Record.History) > 2*keptTransitions || p.Record.TransitionSeq != before.TransitionSeq+int64(len(p.Transitions)) {
		w.t.Fatalf("%v: history of %d, seq %d after %d", w.now, len(p.Record.History), p.Record.TransitionSeq, before.TransitionSeq)
	}
}

func (j *judge) require(ok bool, t Transition, objection string) {
	if !ok {
		j.w.t.Fatalf("%v: %s %s>%s although %s\n%v", j.w.now, t.Type, t.From, t.To, objection, j.w.log)
	}
}

// evidence says whether there is a success in the region, at most one period old, that is good enough.
func (j *judge) evidence(region string, good func(success) bool) bool {
	return slices.ContainsFunc(j.successes[region], func(s success) bool {
		return j.w.now-s.started <= j.region(region).Probe.Period && good(s)
	})
}

func (j *judge) region(name string) *RegionConfig {
	if i := j.rank(name); i >= 0 {
		return &j.w.config.Regions[i]
	}
	return nil
}

func (j *judge) rank(name string) int {
	return slices.IndexFunc(j.w.config.Regions, func(r RegionConfig) bool { return r.Name == name })
}
