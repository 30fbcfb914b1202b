// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "time"

// PreferenceWindow is how long a failover that has found a healthy region waits for more preferred ones to
// answer, and how long an opening waits to be stored together with the failover that it causes.
const PreferenceWindow = 250 * time.Millisecond

// lingers says whether the first round of a failover goes on although the active breaker has closed: should
// it open again before the candidates have answered, their answers still count.
func (m *Machine) lingers(now time.Time) bool {
	c := m.claim
	if c == nil || c.kind != failover || c.holding || m.activeFailed() {
		return false
	}
	_, awaited := m.best(now)
	return awaited
}

// advanceFailover probes all candidates at once, and when none of them answers healthy, holds.
func (m *Machine) advanceFailover(now time.Time, buf []Probe) []Probe {
	c := m.claim
	if !c.started {
		c.started = true
		m.inOrder(func(i int, r *region) {
			if i == m.active && r.breaker.transport || i != m.active && r.breaker.state == Closed {
				buf = m.start(now, r, &r.check, m.checkPurpose(i), buf)
			}
		})
	}
	best, awaited := m.best(now)
	switch {
	case best >= 0:
		if c.decideBy.IsZero() {
			c.decideBy = m.decideBy(now, best)
			buf = m.askActive(now, buf)
		}
		return buf
	case !c.decideBy.IsZero() && m.activeFailed():
		// What was healthy no longer is, or its evidence is too old by now: a new claim.
		m.newClaim(failover, -1)
		return m.advanceFailover(now, buf)
	case !awaited && !c.holding:
		c.holding = true
		c.nextRound = now
	}
	if c.holding && !now.Before(c.nextRound) {
		c.nextRound = now.Add(m.config.SuspectPeriod)
		buf = m.holdRound(now, buf)
	}
	return buf
}

// decideBy returns how long to wait for regions that are preferred to the one at index best: not at all
// if its evidence would be too old by then.
func (m *Machine) decideBy(now time.Time, best int) time.Time {
	r := &m.regions[best]
	end := now.Add(PreferenceWindow)
	if end.After(r.success.started.Add(r.Probe.Period)) {
		return now
	}
	return end
}

// holdRound probes every other region that no Retry-After holds, whatever its breaker says, and the active
// one if it may end the hold.
func (m *Machine) holdRound(now time.Time, buf []Probe) []Probe {
	m.inOrder(func(i int, r *region) {
		underway := m.asked(r) || r.probe.purpose == Trial
		held := now.Before(r.breaker.heldUntil)
		if !underway && !held && (i != m.active || r.mayEndHold()) {
			buf = m.start(now, r, &r.check, m.checkPurpose(i), buf)
		}
	})
	return buf
}

// checkPurpose is that of a failover's probe: of the active region it is to close its breaker.
func (m *Machine) checkPurpose(i int) Purpose {
	if i == m.active {
		return Trial
	}
	return Commit
}

// mayEndHold says whether the active region is probed in the rounds of a hold: if probes opened its breaker,
// since an operator that lost its own network saw just that. What real traffic has seen keeps its window.
func (r *region) mayEndHold() bool {
	return !r.Probe.OnDemand && r.breaker.openedBy == ByProbe
}

// askActive probes the active region once more before a hold moves traffic away from it. The last probe may
// hang in a network that is well again by now.
func (m *Machine) askActive(now time.Time, buf []Probe) []Probe {
	if m.active < 0 || !m.claim.holding {
		return buf
	}
	r := &m.regions[m.active]
	if !r.mayEndHold() || now.Before(r.breaker.heldUntil) {
		return buf
	}
	return m.start(now, r, &r.check, Trial, buf)
}

// best returns the most preferred region that has answered healthy since the claim began, or -1, and
// whether a more preferred one may still answer. The active region, when it is asked, is preferred most.
func (m *Machine) best(now time.Time) (best int, awaited bool) {
	awaited = m.active >= 0 && m.asked(&m.regions[m.active])
	for i := range m.regions {
		r := &m.regions[i]
		if i == m.active {
			continue
		}
		if r.success.id > m.claim.mark && r.healthy(now) {
			return i, awaited
		}
		awaited = awaited || m.asked(r)
	}
	return -1, awaited
}
