// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "time"

// MaxRegions is how many regions a Config may have.
const MaxRegions = 16

// View is what a person should be told beside the record. It is comparable: a change is to be reported.
// Regions are named by their index in the Config.
type View struct {
	Paused bool
	// Holding: the active region fails and no other one answers.
	Holding bool
	// LimitedUntil is when MaxPerHour allows a failover again, as it is stored; zero while it allows one.
	LimitedUntil time.Time
	// Waiting: a failover or failback is decided on and has waited for its turn for some seconds.
	Waiting bool
	// Would is what Observe mode has decided and not done, and WouldTo where to.
	Would   TransitionType
	WouldTo string
	// Known regions have had an outcome since this machine began.
	Known [MaxRegions]bool
	// Inconclusive regions have had no readable answer for as many probes as would open a breaker.
	Inconclusive [MaxRegions]bool
	// Causes say why, where as many answers in a row have had the same one.
	Causes [MaxRegions]Cause
	// Unfit regions have an endpoint that may not be used, and why.
	Unfit [MaxRegions]Fault
}

// View returns the view at now.
func (m *Machine) View(now time.Time) View {
	v := View{Paused: m.orders.paused(now), Waiting: m.waitsLong(now), LimitedUntil: shown(now, m.limitEnd())}
	if c := m.claim; c != nil {
		v.Holding = c.holding && !v.Waiting
		if m.reported(c) {
			v.Would, v.WouldTo = m.observed.would, m.observed.to
		}
	}
	for i := range m.regions {
		r := &m.regions[i]
		v.Known[i] = r.known
		v.Inconclusive[i] = r.unreadable >= r.Breaker.FailureThreshold
		if v.Inconclusive[i] {
			v.Causes[i] = r.doubt.settled
		}
		v.Unfit[i] = r.unfit
	}
	return v
}

// Deciding says whether a failover is under way that has not decided yet whether to hold.
func (m *Machine) Deciding() bool {
	return m.claim != nil && m.claim.kind == failover && !m.claim.holding && !m.reported(m.claim)
}

// ClosedSince returns since when the breaker of the region of that name is Closed, for the endpoint that it has now.
// What real traffic met before that is over. It returns the zero time while the breaker is not Closed.
func (m *Machine) ClosedSince(name string) time.Time {
	i := m.index(name)
	if i < 0 || m.regions[i].breaker.state != Closed {
		return time.Time{}
	}
	return m.regions[i].breaker.since
}

// Stored returns what is stored, as observed or settled last. It is the machine's own: not to be changed.
func (m *Machine) Stored() *Record { return &m.record }

// BreakerState returns the state of the breaker of the region of that name; Closed if there is no such region.
func (m *Machine) BreakerState(name string) State {
	if i := m.index(name); i >= 0 {
		return m.regions[i].breaker.state
	}
	return Closed
}
