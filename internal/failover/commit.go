// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"fmt"
	"time"
)

// decided says whether the claim may be carried out or given up now. It is the commit guard: cause,
// evidence and allowance are looked at again, whatever was true when the claim began.
func (m *Machine) decided(now time.Time) bool {
	return m.ready(now) && (!m.paced(m.claim) || now.Before(m.turnUntil))
}

// ready says whether the claim is decided but for its turn.
func (m *Machine) ready(now time.Time) bool {
	c := m.claim
	if c == nil || m.reported(c) {
		return false
	}
	switch c.kind {
	case failover:
		best, awaited := m.best(now)
		return m.mayFailOver(now) && best >= 0 && !c.decideBy.IsZero() && (!awaited || !now.Before(c.decideBy))
	case failback:
		return m.failbackTarget() == c.target && m.failbackEvidence(now, &m.regions[c.target])
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
			reason, why = removedReason, "it left the spec"
		}
		p.Outage = m.outage()
		message := fmt.Sprintf("traffic moves from region %s to %s: %s", from, m.regions[best].Name, why)
		leaving := Transition{Type: FailedOver, Time: p.at, From: from, Reason: reason}
		m.moveOrReport(p, FailedOver, m.regions[best].Name, reason, m.sayFlapping(message, leaving))
	case failback:
		to := m.regions[c.target].Name
		m.moveOrReport(p, FailedBack, to, "PreferredRegionHealthy",
			fmt.Sprintf("traffic moves back from region %s to %s, which is preferred and healthy", from, to))
	case switchover:
		m.planSwitch(p)
	}
}

// outage says since when the active region fails. What was not seen, before a restart, began with the opening.
func (m *Machine) outage() Outage {
	if m.active < 0 {
		return Outage{}
	}
	b := &m.regions[m.active].breaker
	if b.failing.IsZero() {
		return Outage{FirstFailure: b.since, Opened: b.since}
	}
	return Outage{FirstFailure: b.failing, Opened: b.since}
}

// moveOrReport moves traffic, or in Observe mode only says that it would.
func (m *Machine) moveOrReport(p *Plan, t TransitionType, to, reason, message string) {
	if m.config.Mode != Observe {
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
