// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "time"

// patience is how long a move waits for its turn before that is worth telling.
const patience = 3 * time.Second

// paced says whether the claim moves traffic only in its turn. What people order and what Observe reports does not
// wait.
func (m *Machine) paced(c *claim) bool {
	return m.config.Paced && m.config.Mode == Automatic && c.kind != switchover
}

// Turn says whether an automatic move is under way that needs a turn, and whether that is all it still needs: what
// it rests on is decided, and fresh at now.
func (m *Machine) Turn(now time.Time) (wanted, ready bool) {
	c := m.claim
	if c == nil || !m.paced(c) {
		return false, false
	}
	ready = m.ready(now)
	return ready || !c.holding, ready
}

// GiveTurn lets the automatic move that is under way be made before the given time. Only one move can be made of it.
// Call [Machine.Poll] afterwards.
func (m *Machine) GiveTurn(until time.Time) { m.turnUntil = until }

// waits says whether the claim waits for nothing but its turn.
func (m *Machine) waits(now time.Time) bool { return m.ready(now) && !m.decided(now) }

// noteTurn notes since when a move waits for nothing but its turn.
func (m *Machine) noteTurn(now time.Time) {
	wanted, _ := m.Turn(now)
	switch {
	case !wanted:
		m.waitsSince = time.Time{}
	case m.waitsSince.IsZero() && m.waits(now):
		m.waitsSince = now
	}
}

// waitsLong says whether a move has waited for its turn for so long that it is worth telling.
func (m *Machine) waitsLong(now time.Time) bool {
	return !m.waitsSince.IsZero() && !now.Before(m.waitsSince.Add(patience))
}
