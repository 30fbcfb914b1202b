// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"fmt"
	"slices"
	"time"
)

// Plan is what to store and to report next.
type Plan struct {
	// Record is what the store must say. Changed says whether it differs from what it says.
	Record  Record
	Changed bool
	// Transitions are the new ones of Record, oldest first.
	Transitions []Transition
	// Notices are decisions that change no region: report them once, after Record is stored.
	Notices []Notice
	View    View
	// Limits are those of each region of the Config. They move with every outcome: show them when the
	// status is written for another reason, and never write it for them.
	Limits []Limits
	// Outage is what a failover among Transitions ends; zero if there is none, or if the region left the spec.
	Outage Outage

	at       time.Time
	claim    uint64 // the number of the claim that this plan ends
	moved    bool
	reset    bool
	observed observation
}

// Outage says since when a region fails.
type Outage struct {
	// FirstFailure is when the failures began that opened its breaker: not after Opened.
	FirstFailure time.Time
	Opened       time.Time
}

// NoticeType is the kind of a Notice.
type NoticeType string

// The types of notices.
const (
	WouldFailOver    NoticeType = "WouldFailOver"
	WouldFailBack    NoticeType = "WouldFailBack"
	NoticeSwitch     NoticeType = "SwitchNotDone"
	NoticePinned     NoticeType = "RegionPinned"
	NoticeSuperseded NoticeType = "SwitchSuperseded"
)

// Notice is a decision that changes no region.
type Notice struct {
	Type    NoticeType
	Message string
}

// observation is what Observe mode has decided and reported.
type observation struct {
	trigger trigger
	would   TransitionType
	to      string
}

// Plan proposes what to store at now. It changes nothing: only [Machine.Settle] does.
func (m *Machine) Plan(now time.Time) Plan {
	p := Plan{Record: m.record, View: m.View(now), at: now}
	switch {
	case !m.initialised():
		if !p.View.Paused {
			m.planFirst(&p)
		}
	case m.resetRequested() && !p.View.Paused:
		m.planReset(&p)
	default:
		m.planBreakers(&p)
		if !p.View.Paused {
			m.planClaim(&p)
		}
	}
	p.Limits = make([]Limits, len(m.regions))
	for i := range m.regions {
		p.Limits[i] = m.regions[i].breaker.limits(&m.regions[i].Breaker)
	}
	p.View.Waiting = p.View.Waiting && !p.moved
	p.View.LimitedUntil = shown(now, m.counted.with(now, p.Transitions).end(m.config.MaxPerHour))
	p.Record.append(p.Transitions)
	for i := range m.regions {
		if d := m.config.minDuration(p.Record.History, m.regions[i].Name); d != m.config.MinDuration {
			p.Limits[i].MinDuration = d
		}
	}
	p.Changed = !p.Record.Equal(m.record)
	return p
}

// planFirst publishes the primary before anything is known. Tokens that are there already, after a restore
// or a re-creation, are acknowledged and not acted on.
func (m *Machine) planFirst(p *Plan) {
	p.moved = true
	p.Record.ActiveRegion, p.Record.ActiveSince = m.regions[0].Name, storedDeadline(p.at)
	p.Record.HandledReset, p.Record.HandledSwitch = m.orders.Reset, m.orders.Switch
	if m.orders.Switch != "" {
		p.Record.SwitchResult = SwitchIgnored
	}
	m.planBreakers(p)
}

// planReset restores the primary at once, without a probe, and closes every breaker: one transition.
func (m *Machine) planReset(p *Plan) {
	p.reset = true
	from, to := m.record.ActiveRegion, m.regions[0].Name
	p.Record.HandledReset = m.orders.Reset
	p.Record.Pinned = false
	p.Record.Regions = make([]RegionRecord, len(m.regions))
	for i := range m.regions {
		r := &p.Record.Regions[i]
		*r = m.toStore(i, p.at)
		if r.Open {
			*r = RegionRecord{Name: r.Name, Since: stored(p.at), Reason: resetReason}
		}
	}
	if m.switchRequested() {
		p.Record.HandledSwitch = m.orders.Switch
		p.Record.SwitchResult = SwitchSuperseded
		p.Notices = append(p.Notices, Notice{NoticeSuperseded,
			fmt.Sprintf("the switch to region %s was superseded by a reset", m.orders.SwitchTo)})
	}
	p.move(Reset, from, to, "Requested", fmt.Sprintf("reset to the primary region %s, all breakers closed", to))
}

// move adds a change of the active region. A reset counts as one even if the primary is active already, so
// that what is published is made anew.
func (p *Plan) move(t TransitionType, from, to, reason, message string) {
	p.moved = true
	p.Record.ActiveRegion = to
	p.Record.ActiveSince = storedDeadline(p.at)
	p.Transitions = append(p.Transitions, Transition{
		Time: stored(p.at), Type: t, From: from, To: to, Reason: reason, Message: message,
	})
}

// planBreakers brings the stored breakers up to what they are.
func (m *Machine) planBreakers(p *Plan) {
	p.Record.Regions = make([]RegionRecord, len(m.regions))
	for i := range m.regions {
		before, _ := m.record.region(m.regions[i].Name)
		r := m.toStore(i, p.at)
		p.Record.Regions[i] = r
		switch {
		case r.Open && !before.Open:
			p.Transitions = append(p.Transitions, Transition{
				Time: r.Since, Type: BreakerOpened, Region: r.Name, Reason: r.Reason,
				Message: fmt.Sprintf("region %s stopped serving (%s, seen by %s)", r.Name, r.Reason, r.OpenedBy.plural()),
			})
		case !r.Open && before.Open:
			p.Transitions = append(p.Transitions, Transition{
				Time: r.Since, Type: BreakerClosed, Region: r.Name, Reason: r.Reason,
				Message: fmt.Sprintf("region %s may serve again (%s)", r.Name, r.Reason),
			})
		}
	}
	slices.SortStableFunc(p.Transitions, func(a, b Transition) int { return a.Time.Compare(b.Time) })
	if m.active < 0 || p.Record.Regions[m.active].Open {
		p.Record.Pinned = false
	}
}

// toStore returns what to store at now of the breaker at index i. One that is stored as Closed and has
// opened and closed again since leaves no trace: nothing followed from it.
func (m *Machine) toStore(i int, now time.Time) RegionRecord {
	r := &m.regions[i]
	before, known := m.record.region(r.Name)
	if known && (r.breaker.state == Closed && !before.Open || i == m.active && m.openingWaits(now)) {
		return before
	}
	if after := r.record(); !before.littleLonger(after, now) {
		return after
	}
	return before
}

// littleLonger says whether the open window that is stored still runs, and is now longer by no more than a quarter
// of what is left of it. That is not worth a write: real traffic may be told to wait many times a second.
func (r RegionRecord) littleLonger(after RegionRecord, now time.Time) bool {
	left, growth := r.OpenUntil.Sub(now), after.OpenUntil.Sub(r.OpenUntil)
	return r.Open && after.Open && after.Since.Equal(r.Since) && left > 0 && growth >= 0 && growth <= left/4
}

// record is what can be stored of the region's breaker. HalfOpen is stored as Open.
func (r *region) record() RegionRecord {
	b := &r.breaker
	if b.state == Closed {
		return RegionRecord{Name: r.Name, Since: stored(b.since), Reason: b.reason}
	}
	return RegionRecord{
		Name: r.Name, Open: true, Since: stored(b.since),
		OpenUntil: storedDeadline(b.openUntil), HeldUntil: storedDeadline(b.openHeld),
		Reason: b.reason, OpenedBy: b.openedBy,
	}
}

// openingWaits says whether the opening of the active breaker is held back for a moment, to be stored
// together with the failover that it causes.
func (m *Machine) openingWaits(now time.Time) bool {
	c := m.claim
	if m.active < 0 || c == nil || c.kind != failover || c.holding || m.reported(c) {
		return false
	}
	r := &m.regions[m.active]
	before, _ := m.record.region(r.Name)
	return r.breaker.state != Closed && !before.Open &&
		now.Before(r.breaker.since.Add(PreferenceWindow)) && !m.decided(now)
}

func (m *Machine) openingWake(now time.Time) time.Time {
	if !m.openingWaits(now) {
		return time.Time{}
	}
	return m.regions[m.active].breaker.since.Add(PreferenceWindow)
}

// Settle tells the machine that a plan is stored and reported.
func (m *Machine) Settle(p Plan) {
	m.record = p.Record
	m.settled = p.View
	if p.moved {
		m.since = p.at
		m.turnUntil = time.Time{}
		m.counted = m.counted.with(p.at, p.Transitions)
		m.reviewFlapping()
	}
	m.locateActive()
	if p.reset {
		for i := range m.regions {
			m.regions[i].forget()
			m.regions[i].breaker.Close(p.at, resetReason)
		}
	}
	if p.observed != (observation{}) {
		m.observed = p.observed
	}
	if m.claim != nil && (p.moved || p.reset || p.claim == m.claim.number && p.observed == (observation{})) {
		m.claim = nil
	}
	m.dropStaleClaim()
}

// pending says whether there is something to store or to report.
func (m *Machine) pending(now time.Time) bool {
	v := m.View(now)
	switch {
	case v != m.settled:
		return true
	case !m.initialised():
		return !v.Paused
	case !v.Paused && (m.resetRequested() || m.decided(now)):
		return true
	case m.openingWaits(now):
		return false // whatever else there is goes with it, so that no other write delays the failover
	case len(m.record.Regions) != len(m.regions):
		return true
	}
	for i := range m.regions {
		if !m.toStore(i, now).Equal(m.record.Regions[i]) {
			return true
		}
	}
	return false
}
