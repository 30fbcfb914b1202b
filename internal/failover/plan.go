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

	at       time.Time
	claim    uint64 // the number of the claim that this plan ends
	moved    bool
	reset    bool
	observed observation
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
	if !m.initialised() {
		if !p.View.Paused {
			m.planFirst(&p)
		}
		p.Changed = !p.Record.Equal(m.record)
		return p
	}
	if m.resetRequested() && !p.View.Paused {
		m.planReset(&p)
	} else {
		m.planBreakers(&p)
		if !p.View.Paused {
			m.planClaim(&p)
		}
	}
	p.Record.append(p.Transitions)
	if p.moved {
		p.Record.ActiveSeq = p.Record.TransitionSeq
		p.Record.ActiveSince = stored(now)
	}
	p.Changed = !p.Record.Equal(m.record)
	return p
}

// planFirst publishes the primary before anything is known. Tokens that are there already, after a restore
// or a re-creation, are acknowledged and not acted on.
func (m *Machine) planFirst(p *Plan) {
	p.Record = Record{
		ActiveRegion: m.regions[0].Name, ActiveSince: stored(p.at), Regions: m.breakers(),
		TransitionSeq: m.record.TransitionSeq, ActiveSeq: m.record.ActiveSeq, History: m.record.History,
		HandledReset: m.orders.Reset, HandledSwitch: m.orders.Switch,
	}
	if m.orders.Switch != "" {
		p.Record.SwitchResult = SwitchIgnored
	}
	p.moved = true
}

// planReset restores the primary at once, without a probe, and closes every breaker: one transition.
func (m *Machine) planReset(p *Plan) {
	p.reset = true
	from, to := m.record.ActiveRegion, m.regions[0].Name
	p.Record.HandledReset = m.orders.Reset
	p.Record.Pinned = false
	p.Record.Regions = m.breakers()
	for i := range p.Record.Regions {
		if r := &p.Record.Regions[i]; r.Open {
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

const resetReason = "Reset"

// move adds a change of the active region. A reset counts as one even if the primary is active already, so
// that what is published is made anew.
func (p *Plan) move(t TransitionType, from, to, reason, message string) {
	p.moved = true
	p.Record.ActiveRegion = to
	p.Transitions = append(p.Transitions, Transition{
		Time: stored(p.at), Type: t, From: from, To: to, Reason: reason, Message: message,
	})
}

func (m *Machine) breakers() []RegionRecord {
	records := make([]RegionRecord, len(m.regions))
	for i := range m.regions {
		records[i] = m.regions[i].record()
	}
	return records
}

// record is what is stored of the region's breaker. HalfOpen is stored as Open.
func (r *region) record() RegionRecord {
	b := &r.breaker
	rec := RegionRecord{Name: r.Name, Since: stored(b.since), Reason: b.reason}
	if b.state != Closed {
		rec.Open = true
		rec.OpenUntil = storedDeadline(b.openUntil)
		rec.HeldUntil = storedDeadline(b.heldUntil)
		rec.OpenedBy = b.openedBy
	}
	return rec
}

// planBreakers brings the stored breakers up to what they are. What has opened and closed again since the
// last write leaves no trace: nothing followed from it.
func (m *Machine) planBreakers(p *Plan) {
	p.Record.Regions = m.breakers()
	for i := range p.Record.Regions {
		r := &p.Record.Regions[i]
		before, _ := m.record.region(r.Name)
		switch {
		case i == m.active && m.openingWaits(p.at):
			*r = before
		case r.Open && !before.Open:
			p.Transitions = append(p.Transitions, Transition{
				Time: r.Since, Type: BreakerOpened, Region: r.Name, Reason: r.Reason,
				Message: fmt.Sprintf("region %s stopped serving (%s, seen by %s)", r.Name, r.Reason, seenBy[r.OpenedBy]),
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

var seenBy = [...]string{ByProbe: "probes", ByTraffic: "real traffic"}

// openingWaits says whether the opening of the active breaker is held back for a moment, to be stored
// together with the failover that it causes.
func (m *Machine) openingWaits(now time.Time) bool {
	c := m.claim
	if m.active < 0 || c == nil || c.kind != failover || c.holding || m.reported(c) {
		return false
	}
	r := &m.regions[m.active]
	before, _ := m.record.region(r.Name)
	if before.Open || !now.Before(r.breaker.since.Add(PreferenceWindow)) {
		return false
	}
	return r.breaker.state != Closed && !m.decided(now)
}

func (m *Machine) openingWake(now time.Time) time.Time {
	if !m.openingWaits(now) {
		return time.Time{}
	}
	return m.regions[m.active].breaker.since.Add(PreferenceWindow)
}

// decided says whether the claim may be carried out or given up now. It is the commit guard: cause,
// evidence and allowance are looked at again, whatever was true when the claim began.
func (m *Machine) decided(now time.Time) bool {
	c := m.claim
	if c == nil || m.reported(c) {
		return false
	}
	switch c.kind {
	case failover:
		best, awaited := m.best(now)
		return m.activeFailed() && best >= 0 &&
			(!awaited || !c.healthyAt.IsZero() && !now.Before(c.healthyAt.Add(PreferenceWindow)))
	case failback:
		return m.failbackTarget() == c.target && !now.Before(m.failbackDue()) &&
			m.failbackEvidence(now, &m.regions[c.target])
	default:
		return c.refusal != "" || c.answered || c.target == m.active
	}
}

// planClaim carries out a claim that is decided.
func (m *Machine) planClaim(p *Plan) {
	if !m.decided(p.at) {
		return
	}
	c := m.claim
	p.claim = c.number
	from := m.record.ActiveRegion
	switch c.kind {
	case failover:
		best, _ := m.best(p.at)
		reason, why := "BreakerOpen", "its breaker is open"
		if m.active < 0 {
			reason, why = "ActiveRegionRemoved", "it left the spec"
		}
		m.moveOrReport(p, FailedOver, m.regions[best].Name, reason,
			fmt.Sprintf("traffic moves from region %s to %s: %s", from, m.regions[best].Name, why))
	case failback:
		to := m.regions[c.target].Name
		m.moveOrReport(p, FailedBack, to, "PreferredRegionHealthy",
			fmt.Sprintf("traffic moves back from region %s to %s, which is preferred and healthy", from, to))
	case switchover:
		m.planSwitch(p)
	}
}

// moveOrReport moves traffic, or in Observe mode only says that it would.
func (m *Machine) moveOrReport(p *Plan, t TransitionType, to, reason, message string) {
	if m.config.Mode != Observe {
		p.Record.Pinned = false
		p.move(t, m.record.ActiveRegion, to, reason, message)
		return
	}
	p.observed = observation{trigger: m.claim.trigger, would: t, to: to}
	p.View.Would, p.View.WouldTo = t, to
	notice := WouldFailOver
	if t == FailedBack {
		notice = WouldFailBack
	}
	p.Notices = append(p.Notices, Notice{notice,
		fmt.Sprintf("in mode Observe nothing is moved; in mode Automatic: %s", message)})
}

// planSwitch acknowledges a switch, whatever became of it.
func (m *Machine) planSwitch(p *Plan) {
	c := m.claim
	p.Record.HandledSwitch = c.requestedSwitch
	switch {
	case c.refusal != "":
		p.Record.SwitchResult = SwitchRefused
		p.Notices = append(p.Notices, Notice{NoticeSwitch, "switch refused: " + c.refusal})
	case c.target == m.active:
		p.Record.SwitchResult = SwitchPinned
		p.Record.Pinned = true
		p.Notices = append(p.Notices, Notice{NoticePinned,
			fmt.Sprintf("region %s is active already and is pinned now: no failback leaves it", c.requestedTo)})
	case c.answer.Class != Success:
		p.Record.SwitchResult = SwitchFailed
		p.Notices = append(p.Notices, Notice{NoticeSwitch,
			fmt.Sprintf("switch to region %s failed: its probe answered %s", c.requestedTo, c.answer.Reason())})
	case !m.regions[c.target].healthy(p.at):
		// The answer is too old by now, or the breaker has opened since: ask again.
		p.claim, p.Record.HandledSwitch = c.number, m.record.HandledSwitch
	default:
		p.Record.SwitchResult = SwitchDone
		p.Record.Pinned = true
		p.move(SwitchedOver, m.record.ActiveRegion, c.requestedTo, "Requested",
			fmt.Sprintf("traffic moves from region %s to %s, as requested", m.record.ActiveRegion, c.requestedTo))
	}
}

// Settle tells the machine that a plan is stored and reported.
func (m *Machine) Settle(p Plan) {
	m.record = p.Record
	m.settled = p.View
	if p.moved {
		m.since = p.at
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
	}
	for i := range m.regions {
		r := &m.regions[i]
		before, known := m.record.region(r.Name)
		if (!known || !r.record().Equal(before)) && (i != m.active || !m.openingWaits(now)) {
			return true
		}
	}
	return false
}
