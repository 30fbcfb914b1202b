// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"fmt"
	"time"
)

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
	return m.start(now, r, &r.check, Commit, buf)
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
		p.Record.HandledSwitch = m.record.HandledSwitch
	default:
		p.Record.SwitchResult = SwitchDone
		p.Record.Pinned = true
		p.move(SwitchedOver, m.record.ActiveRegion, c.requestedTo, "Requested",
			fmt.Sprintf("traffic moves from region %s to %s, as requested", m.record.ActiveRegion, c.requestedTo))
	}
}
