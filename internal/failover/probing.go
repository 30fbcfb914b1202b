// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "time"

// Probe is a probe to start now. Its answer is due by [Machine.ProbeDone].
type Probe struct {
	ID      uint64
	Region  string
	Purpose Purpose
}

// Purpose says what a probe is made for, and so what it may cost.
type Purpose uint8

// The purposes of probes.
const (
	// Routine: it was time for it.
	Routine Purpose = iota
	// Suspicion: the newest that was heard of the region is a failure.
	Suspicion
	// Trial: the region's breaker is open, and a success may close it.
	Trial
	// Failback: traffic may go back there from a region that serves.
	Failback
	// Commit: traffic, or what is published, may change to it because something else failed or a person wants it.
	Commit
)

// Climbs says whether such a probe asks all that the region's probes can ask.
func (p Purpose) Climbs() bool { return p != Routine }

// Next is what is to be done after a [Machine.Poll].
type Next struct {
	// Wake is when to poll again at the latest; zero for not before something happens.
	Wake time.Time
	// Plan: there is something to store or to report; call [Machine.Plan].
	Plan bool
}

// Poll brings the machine up to now: it starts, advances and drops claims, and appends the probes to start
// to buf. Trials come before hold rounds, those before scheduled probes; the active region comes first,
// the others in the order of the spec.
func (m *Machine) Poll(now time.Time, buf []Probe) ([]Probe, Next) {
	buf = m.admitTrials(now, buf)
	buf = m.steer(now, buf)
	buf = m.schedule(now, buf)
	m.noteTurn(now)
	return buf, Next{Wake: m.wake(now), Plan: m.pending(now)}
}

// inOrder calls visit for the active region first, then for the others in the order of the spec.
func (m *Machine) inOrder(visit func(i int, r *region)) {
	if m.active >= 0 {
		visit(m.active, &m.regions[m.active])
	}
	for i := range m.regions {
		if i != m.active {
			visit(i, &m.regions[i])
		}
	}
}

// start starts a probe of r in the given slot. A probe that was under way in it is forgotten.
func (m *Machine) start(now time.Time, r *region, slot *flight, purpose Purpose, buf []Probe) []Probe {
	m.newest++
	*slot = flight{id: m.newest, purpose: purpose, started: now}
	r.lastStart = now
	r.due = now.Add(r.Probe.Period)
	return append(buf, Probe{ID: m.newest, Region: r.Name, Purpose: purpose})
}

// admitTrials starts the trials of the breakers whose window has ended. A scheduled probe that is still
// under way from the time before is forgotten.
func (m *Machine) admitTrials(now time.Time, buf []Probe) []Probe {
	m.inOrder(func(_ int, r *region) {
		between := r.breaker.state == HalfOpen && now.Before(r.trialDue)
		if r.breaker.state != Closed && r.probe.purpose != Trial && !between && r.breaker.AdmitTrial(now) {
			buf = m.start(now, r, &r.probe, Trial, buf)
		}
	})
	return buf
}

// schedule starts the scheduled probes that are due.
func (m *Machine) schedule(now time.Time, buf []Probe) []Probe {
	m.inOrder(func(_ int, r *region) {
		if r.scheduled() && !now.Before(r.due) {
			buf = m.start(now, r, &r.probe, r.purpose(), buf)
		}
	})
	return buf
}

// purpose is that of the region's next scheduled probe.
func (r *region) purpose() Purpose {
	switch {
	case r.confirm:
		return Commit
	case r.suspect:
		return Suspicion
	default:
		return Routine
	}
}

// scheduled says whether the region waits for its next scheduled probe. Outcomes are ignored while a
// breaker is not Closed, so that there are none then. In mode OnDemand an endpoint that may not be used is
// probed nevertheless: nothing else would ask it again, and it would be no candidate for ever.
func (r *region) scheduled() bool {
	return r.probe.id == 0 && (!r.Probe.OnDemand || r.unfit != NoFault || r.confirm) && r.breaker.state == Closed
}

// Confirm has the active region probed as in mode Active until it succeeds: something else is published of it than
// its endpoint has, and publishing that is a commit. Where its endpoint, its probe or the active region changes first,
// that is forgotten.
func (m *Machine) Confirm() {
	if m.active >= 0 {
		m.regions[m.active].confirm = true
	}
}

// reschedule sets when the region is probed next: after SuspectPeriod while it is the active region and
// its newest outcome was a failure. A probe that took longer than that is followed at once.
func (m *Machine) reschedule(now time.Time, i int) {
	r := &m.regions[i]
	period := r.Probe.Period
	if i == m.active && r.suspect {
		period = r.Probe.SuspectPeriod
	}
	r.due = later(r.lastStart.Add(period), now)
}

// maxPostponed is for how many periods real traffic that succeeds may put off the next scheduled probe. It asks every
// address of the endpoint, and looks up its name, which traffic does not.
const maxPostponed = 10

// postpone puts off the region's next scheduled probe, because real traffic has just shown what it would.
func (r *region) postpone(now time.Time) {
	if r.confirm || r.unfit != NoFault {
		return
	}
	next, last := now.Add(r.Probe.Period), r.lastStart.Add(maxPostponed*r.Probe.Period)
	if next.After(last) {
		next = last
	}
	r.due = later(r.due, next)
}

// wake returns the next time at which Poll may have something to do. What was due by now has been done, or
// waits for an answer.
func (m *Machine) wake(now time.Time) time.Time {
	var at time.Time
	consider := func(t time.Time) {
		if t.After(now) {
			at = earlier(at, t)
		}
	}
	for i := range m.regions {
		r := &m.regions[i]
		switch {
		case r.scheduled():
			consider(r.due)
		case r.breaker.state == Open:
			consider(r.breaker.openUntil)
		case r.breaker.state == HalfOpen && r.probe.id == 0:
			consider(r.trialDue)
		}
	}
	consider(m.limitEnd())
	if m.orders.paused(now) {
		consider(m.orders.PausedUntil)
		return at
	}
	consider(m.claimWake())
	if !m.waitsSince.IsZero() {
		consider(m.waitsSince.Add(patience))
		consider(m.turnUntil)
	}
	consider(m.openingWake(now))
	return at
}
