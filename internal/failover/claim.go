// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "time"

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
	decideBy  time.Time // failover: how long more preferred regions are waited for; zero until one is healthy

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
	case k != failback && m.active >= 0:
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
		buf = m.advanceFailover(now, buf)
		if m.switchRequested() && m.givesWay(now) {
			m.newSwitch(now)
			buf = m.advanceSwitch(now, buf)
		}
		return buf
	case m.claim.kind == failback:
		return m.advanceFailback(now, buf)
	default:
		return m.advanceSwitch(now, buf)
	}
}

// choose settles which claim should be under way. A person's switch waits for a failover that may be made and is still in
// its first round, which is soon over, and comes before a hold and a failback. A failover replaces a
// failback, and a switch that still waits for its target when the active region fails: that is begun again.
func (m *Machine) choose(now time.Time) {
	c := m.claim
	overtaken := m.overtaken(now)
	switch {
	case c != nil && c.kind == switchover && !overtaken, m.lingers(now):
	case !overtaken && m.switchRequested() && (m.givesWay(now) || !m.mayFailOver(now)):
		m.newSwitch(now)
	case m.mayFailOver(now):
		if c == nil || c.kind != failover {
			m.newClaim(failover, -1)
		}
	default:
		t := m.failbackTarget()
		switch {
		case t < 0 || now.Before(m.failbackDue(&m.regions[t])):
			m.claim = nil
		case c == nil || c.kind != failback || c.target != t:
			m.newClaim(failback, t)
		}
	}
}

// overtaken says whether the active region has failed since the switch that is under way began to wait for its
// target. One that began in an outage is not: it was ordered because of that.
func (m *Machine) overtaken(now time.Time) bool {
	c := m.claim
	return c != nil && c.kind == switchover && c.started && !c.answered && m.active >= 0 &&
		m.regions[m.active].breaker.openings != c.trigger.opening && m.mayFailOver(now)
}

// givesWay says whether a switch may take the place of what is under way.
func (m *Machine) givesWay(now time.Time) bool {
	c := m.claim
	if c == nil || c.kind != failover || c.holding || m.reported(c) || m.waits(now) {
		return true
	}
	best, awaited := m.best(now)
	return best < 0 && !awaited
}

// reported says whether the claim has been decided and reported in Observe mode.
func (m *Machine) reported(c *claim) bool {
	return m.config.Mode == Observe && c.kind != switchover && c.trigger == m.observed.trigger
}

func (m *Machine) resetRequested() bool {
	return m.orders.Reset != "" && m.orders.Reset != m.record.HandledReset
}

func (m *Machine) switchRequested() bool {
	return m.orders.Switch != "" && m.orders.Switch != m.record.HandledSwitch
}

// asked says whether a probe of the current claim is under way in r.
func (m *Machine) asked(r *region) bool { return r.check.id > m.claim.mark }

// healthy says whether a fresh success stands for the region: one whose probe started at most one period
// ago. Older evidence is none.
func (r *region) healthy(now time.Time) bool {
	return r.breaker.state == Closed && r.success.id != 0 && r.unfit == NoFault &&
		now.Sub(r.success.started) <= r.Probe.Period
}

// claimWake returns when the claim, or a failback that is not due yet, has something to do.
func (m *Machine) claimWake() time.Time {
	c := m.claim
	switch {
	case c == nil:
		if t := m.failbackTarget(); m.initialised() && t >= 0 {
			return m.failbackDue(&m.regions[t])
		}
		return time.Time{}
	case m.reported(c):
		return time.Time{}
	case !c.decideBy.IsZero():
		return c.decideBy
	default:
		return c.nextRound
	}
}
