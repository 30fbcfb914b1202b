// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"slices"
	"time"
)

// Machine decides for one LLMBackend. It is not safe for concurrent use.
// The zero value is ready for its first [Machine.Observe].
type Machine struct {
	uid        string
	generation int64
	config     Config
	orders     Orders

	record  Record // what is stored, as last observed or settled
	active  int    // index of the active region, -1 if it left the spec
	since   time.Time
	counted tally

	regions []region // as config.Regions
	newest  uint64   // id of the newest probe

	claims   uint64 // how many there were
	claim    *claim
	observed observation // what Observe mode has reported last
	settled  View        // what the last settled plan reported

	turnUntil  time.Time // an automatic move may be made before it
	waitsSince time.Time // when an automatic move began to wait for its turn; zero if none does
}

// region is what is known of one region. Most of it is lost on restart.
type region struct {
	RegionConfig
	breaker Breaker
	// minDuration is how long traffic stays elsewhere at least before it goes back here.
	minDuration time.Duration

	probe flight // the scheduled probe or the trial
	check flight // the probe of a claim

	lastStart time.Time // of the newest probe
	due       time.Time // of the next scheduled probe
	trialDue  time.Time // of the next trial, while HalfOpen

	confirm    bool // the active region is to be probed, also OnDemand, until it succeeds
	known      bool // an outcome arrived since start
	suspect    bool // the newest outcome was a failure
	succeeded  int  // as many rungs of this probe have succeeded here before
	unfit      Fault
	unreadable int // Excluded and Unknown outcomes in a row
	doubt      doubt
	success    evidence
}

// flight is a probe under way; id 0 means none.
type flight struct {
	id      uint64
	purpose Purpose
	started time.Time
}

// evidence is the newest success of a probe.
type evidence struct {
	id                uint64
	started, finished time.Time
}

// Observe takes what is wished and what is stored. Stored facts that this machine did not write replace
// its memory: another operator, or a restored backup, has gone on without it. What is passed must not be
// older than the newest plan that was settled: a lagging cache would be taken for a restored backup.
func (m *Machine) Observe(now time.Time, in Input) {
	foreign := m.uid != in.UID || !m.record.Equal(in.Record)
	if m.uid != in.UID {
		// Probes and claims are numbered on, so that no late answer is taken for one of the new object.
		*m = Machine{uid: in.UID, newest: m.newest, claims: m.claims}
	}
	m.generation = in.Generation
	m.orders = in.Orders
	m.configure(now, in.Config)
	if foreign {
		m.restore(now, in.Record)
	}
	m.reviewFlapping()
	m.locateActive()
	m.dropStaleClaim()
}

// configure takes over a config. What is known of a region survives as long as its identity does.
func (m *Machine) configure(now time.Time, c Config) {
	regions := make([]region, len(c.Regions))
	for i, rc := range c.Regions {
		j := slices.IndexFunc(m.regions, func(r region) bool { return r.Name == rc.Name })
		switch {
		case j < 0:
			regions[i] = region{due: now.Add(rc.Probe.FirstAfter), breaker: Breaker{since: now}}
			if stored, _ := m.record.region(rc.Name); stored.Open {
				regions[i].breaker.reason = endpointChangedReason // it was away, and the store never heard
			}
		case m.regions[j].Identity == rc.Identity:
			regions[i] = m.regions[j]
			regions[i].due = earlier(regions[i].due, now.Add(rc.Probe.Period))
		default:
			regions[i] = region{due: now, breaker: m.regions[j].breaker}
			regions[i].breaker.Close(now, endpointChangedReason)
			regions[i].breaker.since = now
			regions[i].breaker.averages = averages{} // they speak of the endpoint before
		}
		if rc.Breaker.Adaptive == nil {
			regions[i].breaker.averages = averages{}
		}
		regions[i].RegionConfig = rc
	}
	m.regions, m.config = regions, c
}

// restore replaces memory by what is stored: breakers and their windows. Health is unknown again, and
// outcomes of probes under way are discarded.
func (m *Machine) restore(now time.Time, rec Record) {
	m.record = rec
	m.claim = nil
	m.since = remembered(now, rec.ActiveSince)
	m.counted = recalled(now, rec.History)
	for i := range m.regions {
		r := &m.regions[i]
		stored, known := rec.region(r.Name)
		r.forget()
		openings := r.breaker.openings
		r.breaker = Breaker{since: now}
		if known {
			r.breaker = stored.breaker(now, r.Breaker)
		}
		r.breaker.openings += openings
	}
}

// forget discards what probes have told of the region's health and the outcomes of those under way.
// That the probe fits the endpoint, since it has succeeded before, stays known.
func (r *region) forget() {
	r.probe, r.check = flight{}, flight{}
	r.known, r.suspect, r.unreadable = false, false, 0
	r.doubt = doubt{}
	r.unfit = NoFault
	r.success = evidence{}
}

// breaker rebuilds a breaker from what is stored, its window bounded by what the spec allows.
func (r RegionRecord) breaker(now time.Time, c BreakerConfig) Breaker {
	b := Breaker{since: r.Since, reason: r.Reason}
	if !r.Open {
		return b
	}
	limit := c.longestOpening()
	if r.Reason == QuotaExhausted.String() {
		limit = max(limit, QuotaHold)
	}
	if !r.HeldUntil.IsZero() {
		limit = max(limit, MaxRetryAfter)
		b.heldUntil = atMost(now, r.HeldUntil, MaxRetryAfter)
		b.openHeld = b.heldUntil
	}
	b.state = Open
	b.openings = 1
	b.openUntil = atMost(now, r.OpenUntil, limit)
	b.openedBy = r.OpenedBy
	b.transport = r.OpenedBy == ByProbe && transportReason(r.Reason)
	return b
}

// atMost turns a stored deadline into one on the clock of now, no further away than limit.
func atMost(now, deadline time.Time, limit time.Duration) time.Time {
	return now.Add(min(deadline.Sub(now), limit))
}

// remembered turns a stored time of the past into one on the clock of now. A time that the clock has not
// reached yet, because it stepped back, counts as now: nothing that waits for it is early.
func remembered(now, t time.Time) time.Time {
	return now.Add(-max(now.Sub(t), 0))
}

func transportReason(reason string) bool {
	for f := NoFault; f <= PublishedService; f++ {
		if f.transport() && f.String() == reason {
			return true
		}
	}
	return false
}

func (m *Machine) locateActive() {
	m.active = m.index(m.record.ActiveRegion)
	for i := range m.regions {
		m.regions[i].confirm = m.regions[i].confirm && i == m.active
	}
}

func (m *Machine) index(name string) int {
	return slices.IndexFunc(m.regions, func(r region) bool { return r.Name == name })
}

func (m *Machine) initialised() bool { return m.record.ActiveRegion != "" }

// activeFailed says whether traffic should leave the active region.
func (m *Machine) activeFailed() bool {
	return m.active < 0 || m.regions[m.active].breaker.state != Closed
}

// ProbeDone takes the answer of a probe that Poll asked for. started is when it really started.
// Each probe is answered once, also one that could not be made (Unknown). Answers of probes that have
// been forgotten meanwhile are discarded.
func (m *Machine) ProbeDone(now time.Time, id uint64, started time.Time, o Outcome) {
	for i := range m.regions {
		r := &m.regions[i]
		switch id {
		case r.probe.id:
			f := r.probe
			r.probe = flight{}
			o = r.learn(now, f, started, o)
			m.scheduledDone(now, r, f, o)
		case r.check.id:
			f := r.check
			r.check = flight{}
			o = r.learn(now, f, started, o)
			m.checkDone(now, i, o)
		default:
			continue
		}
		m.reschedule(now, i)
		return
	}
}

// Traffic takes an outcome that real traffic has seen in the region of that name. It is no evidence for a
// switch: only a probe is. A success puts off the next scheduled probe.
func (m *Machine) Traffic(now time.Time, name string, o Outcome) {
	if i := m.index(name); i >= 0 {
		r := &m.regions[i]
		o = r.breaker.weigh(&r.Breaker, o)
		r.breaker.Record(&r.Breaker, now, o, ByTraffic)
		if o.Class == Success || o.failed() {
			r.suspect = o.failed()
			m.reschedule(now, i)
		}
		if o.Class == Success {
			r.postpone(now)
		}
	}
}

// learn notes what an answer tells beside its effect on the breaker, and settles what depends on earlier
// answers of the same probe.
func (r *region) learn(now time.Time, f flight, started time.Time, o Outcome) Outcome {
	if o.gone && r.succeeded > o.Rung {
		o.Class = Failure
	}
	o = r.breaker.weigh(&r.Breaker, o)
	r.known = true
	r.suspect = o.failed() || r.suspect && (r.asksLess(f) || r.Probe.Ladder && o.Class == Unknown)
	r.unfit = NoFault
	if o.Fault.unfit() {
		r.unfit = o.Fault
	}
	switch o.Class {
	case Excluded, Unknown:
		r.unreadable++
		r.doubt.note(o.Cause, r.Breaker.FailureThreshold)
	case Success:
		r.unreadable = 0
		r.doubt = doubt{}
		r.succeeded, r.confirm = max(r.succeeded, o.Rung+1), false
		if !r.asksLess(f) {
			r.success = evidence{id: f.id, started: started, finished: now}
		}
	case RateLimited, Failure:
		r.unreadable = 0
		r.doubt = doubt{}
	}
	return o
}

// asksLess says whether the probe asks less than the region's probes can: its success does not outweigh the failure of
// one that asked more, nor is it evidence for a move.
func (r *region) asksLess(f flight) bool { return r.Probe.Ladder && !f.purpose.Climbs() }

func (m *Machine) scheduledDone(now time.Time, r *region, f flight, o Outcome) {
	switch {
	case f.purpose == Trial:
	case r.asksLess(f) && r.suspect && o.Class == Success:
		return
	default:
		r.breaker.Record(&r.Breaker, now, o, ByProbe)
		return
	}
	r.breaker.TrialDone(&r.Breaker, now, o)
	r.trialDue = r.lastStart.Add(r.Probe.SuspectPeriod)
}

// checkDone takes the answer of a claim's probe.
func (m *Machine) checkDone(now time.Time, i int, o Outcome) {
	r, c := &m.regions[i], m.claim
	switch {
	case c == nil:
		r.breaker.Record(&r.Breaker, now, o, ByProbe)
	case c.kind == switchover && c.started && i == c.target:
		c.answer = o
		c.answered = true
		r.breaker.Record(&r.Breaker, now, o, ByProbe)
		if o.Class == Success {
			r.breaker.recovered(&r.Breaker, now)
		}
	case c.kind == failover && (c.holding || i == m.active):
		r.breaker.HoldDone(&r.Breaker, now, o)
		if i == m.active && o.Class == Success && !m.activeFailed() {
			m.claim = nil
		}
	default:
		r.breaker.Record(&r.Breaker, now, o, ByProbe)
	}
}
