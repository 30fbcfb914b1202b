// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "time"

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

// failbackDue returns when traffic may go back to the region. While no failover is left to leave it again, none
// does.
func (m *Machine) failbackDue(to *region) time.Time {
	return later(m.since.Add(to.minDuration), m.limitEnd())
}

// advanceFailback probes the target when no success is there yet that came when the failback was due.
func (m *Machine) advanceFailback(now time.Time, buf []Probe) []Probe {
	c := m.claim
	r := &m.regions[c.target]
	if m.failbackEvidence(now, r) || m.asked(r) || now.Before(c.nextRound) {
		return buf
	}
	c.nextRound = now.Add(r.Probe.Period)
	return m.start(now, r, &r.check, Failback, buf)
}

// failbackEvidence says whether r has a fresh success that came when the failback was due or later.
func (m *Machine) failbackEvidence(now time.Time, r *region) bool {
	return r.healthy(now) && !r.success.finished.Before(m.failbackDue(r))
}
