// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"fmt"
	"time"
)

// PreferenceWindow is how long a failover that has found a healthy region waits for more preferred ones to
// answer, and how long an opening waits to be stored together with the failover that it causes.
const PreferenceWindow = 250 * time.Millisecond

type kind uint8

const (
	failover kind = iota
	failback
	switchover
)

// claim is the one attempt under way to change the active region.
type claim struct {
	number  uint64
	kind    kind
	trigger trigger
	target  int    // of failback and switchover
	mark    uint64 // a failover rests on successes of probes newer than this one

	// What must still hold when the claim commits, beside its cause.
	generation                   int64
	activeSeq                    int64
	handledReset, handledSwitch  string
	requestedSwitch, requestedTo string

	started   bool
	holding   bool      // failover: the first round found nothing healthy
	nextRound time.Time // of hold probes, or of a failback's own probe
	healthyAt time.Time // when the first healthy region was seen

	refusal  string // switchover: why it cannot be tried
	answered bool   // switchover
	answer   Outcome
}

// trigger tells the causes of claims apart, so that Observe mode reports each once.
type trigger struct {
	kind    kind
	seq     int64
	opening uint64
	target  string
}

// dropStaleClaim drops a claim whose guard no longer holds. It is started again if its cause still stands.
func (m *Machine) dropStaleClaim() {
	c := m.claim
	if c != nil && (c.generation != m.generation || c.activeSeq != m.record.ActiveSeq ||
		c.handledReset != m.record.HandledReset || c.handledSwitch != m.record.HandledSwitch ||
		c.kind == switchover && (c.requestedSwitch != m.orders.Switch || c.requestedTo != m.orders.SwitchTo)) {
		m.claim = nil
	}
}

func (m *Machine) newClaim(k kind, target int) {
	t := trigger{kind: k, seq: m.record.ActiveSeq}
	switch {
	case k == failback:
		t.target = m.regions[target].Name
	case k == failover && m.active >= 0:
		t.opening = m.regions[m.active].breaker.openings
	}
	m.claims++
	m.claim = &claim{
		number: m.claims, kind: k, trigger: t, target: target, mark: m.newest,
		generation: m.generation, activeSeq: m.record.ActiveSeq,
		handledReset: m.record.HandledReset, handledSwitch: m.record.HandledSwitch,
		requestedSwitch: m.orders.Switch, requestedTo: m.orders.SwitchTo,
	}
}

// steer starts, advances and drops the claim.
func (m *Machine) steer(now time.Time, buf []Probe) []Probe {
	if !m.initialised() || m.orders.paused(now) || m.resetRequested() {
		m.claim = nil
		return buf
	}
	m.choose(now)
	switch {
	case m.claim == nil || m.reported(m.claim):
		return buf
	case m.claim.kind == failover:
		return m.advanceFailover(now, buf)
	case m.claim.kind == failback:
		return m.advanceFailback(now, buf)
	default:
		return m.advanceSwitch(now, buf)
	}
}

// choose settles which claim should be under way. A person's switch waits for a failover that is still in
// its first round, which is soon over, and comes before a hold and a failback. A failover replaces a
// failback.
func (m *Machine) choose(now time.Time) {
	c := m.claim
	switch {
	case c != nil && c.kind == switchover, m.lingers(now):
	case m.switchRequested() && (c == nil || c.kind == failback || c.holding || m.reported(c)):
		m.newSwitch(now)
	case m.activeFailed() && m.config.Mode != Disabled:
		if c == nil || c.kind != failover {
			m.newClaim(failover, -1)
		}
	default:
		t := m.failbackTarget()
		switch {
		case t < 0 || now.Before(m.failbackDue()):
			m.claim = nil
		case c == nil || c.kind != failback || c.target != t:
			m.newClaim(failback, t)
		}
	}
}

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

// reported says whether the claim has been decided and reported in Observe mode.
func (m *Machine) reported(c *claim) bool {
	return m.config.Mode == Observe && c.kind != switchover && c.trigger == m.observed.trigger
}

// advanceFailover probes all candidates at once, and when none of them answers healthy, holds.
func (m *Machine) advanceFailover(now time.Time, buf []Probe) []Probe {
	c := m.claim
	if !c.started {
		c.started = true
		m.inOrder(func(i int, r *region) {
			if i == m.active && r.breaker.transport || i != m.active && r.breaker.state == Closed {
				buf = m.start(now, r, &r.check, false, buf)
			}
		})
	}
	best, awaited := m.best(now)
	switch {
	case best >= 0:
		if c.healthyAt.IsZero() {
			c.healthyAt = now
		}
		return buf
	case !c.healthyAt.IsZero() && m.activeFailed():
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

// holdRound probes every other region that no Retry-After holds, whatever its breaker says; and the active
// one if probes opened its breaker, since an operator that lost its own network saw just that.
func (m *Machine) holdRound(now time.Time, buf []Probe) []Probe {
	m.inOrder(func(i int, r *region) {
		b := &r.breaker
		underway := m.asked(r) || r.probe.trial
		if underway || now.Before(b.heldUntil) ||
			i == m.active && (r.Probe.OnDemand || b.openedBy != ByProbe) {
			return
		}
		buf = m.start(now, r, &r.check, false, buf)
	})
	return buf
}

// asked says whether a probe of the current claim is under way in r.
func (m *Machine) asked(r *region) bool { return r.check.id > m.claim.mark }

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

// healthy says whether a fresh success stands for the region: one whose probe started at most one period
// ago. Older evidence is none.
func (r *region) healthy(now time.Time) bool {
	return r.breaker.state == Closed && r.success.id != 0 && r.unfit == NoFault &&
		now.Sub(r.success.started) <= r.Probe.Period
}

// failbackTarget returns the most preferred region with a Closed breaker if that is not the active one and
// a failback to it is allowed, else -1.
func (m *Machine) failbackTarget() int {
	if m.config.Mode == Disabled || m.config.ManualFailback || m.record.Pinned || m.activeFailed() {
		return -1
	}
	for i := range m.active {
		if r := &m.regions[i]; r.breaker.state == Closed && r.unfit == NoFault {
			return i
		}
	}
	return -1
}

func (m *Machine) failbackDue() time.Time { return m.since.Add(m.config.MinDuration) }

// advanceFailback probes the target when no success is there yet that came when the failback was due.
func (m *Machine) advanceFailback(now time.Time, buf []Probe) []Probe {
	c := m.claim
	r := &m.regions[c.target]
	if m.failbackEvidence(now, r) || m.asked(r) || now.Before(c.nextRound) {
		return buf
	}
	c.nextRound = now.Add(r.Probe.Period)
	return m.start(now, r, &r.check, false, buf)
}

func (m *Machine) failbackEvidence(now time.Time, r *region) bool {
	return r.healthy(now) && !r.success.finished.Before(m.failbackDue())
}

func (m *Machine) resetRequested() bool {
	return m.orders.Reset != "" && m.orders.Reset != m.record.HandledReset
}

func (m *Machine) switchRequested() bool {
	return m.orders.Switch != "" && m.orders.Switch != m.record.HandledSwitch
}

func (m *Machine) newSwitch(now time.Time) {
	t := m.index(m.orders.SwitchTo)
	m.newClaim(switchover, t)
	switch {
	case t < 0:
		m.claim.refusal = fmt.Sprintf("the spec has no region %q; write the name of one that it has", m.orders.SwitchTo)
	case now.Before(m.regions[t].breaker.heldUntil):
		m.claim.refusal = fmt.Sprintf("region %s asked to be left alone until %s", m.regions[t].Name,
			storedDeadline(m.regions[t].breaker.heldUntil).Format(time.RFC3339))
	case t == m.active && m.activeFailed():
		m.claim.refusal = fmt.Sprintf("region %s is active already, and failing", m.regions[t].Name)
	}
}

// advanceSwitch makes the one probe of the target that a switch rests on.
func (m *Machine) advanceSwitch(now time.Time, buf []Probe) []Probe {
	c := m.claim
	if c.started || c.refusal != "" || c.target == m.active {
		return buf
	}
	c.started = true
	r := &m.regions[c.target]
	return m.start(now, r, &r.check, false, buf)
}

// claimWake returns when the claim, or a failback that is not due yet, has something to do.
func (m *Machine) claimWake() time.Time {
	c := m.claim
	switch {
	case c == nil:
		if m.initialised() && m.failbackTarget() >= 0 {
			return m.failbackDue()
		}
		return time.Time{}
	case m.reported(c):
		return time.Time{}
	case !c.healthyAt.IsZero():
		return c.healthyAt.Add(PreferenceWindow)
	default:
		return c.nextRound
	}
}
