// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"fmt"
	"time"
)

// flaps returns how often in a row, the newest times, the region has failed sooner than within after traffic had
// come to it. An order of a person ends the row. history is newest first.
func flaps(history []Transition, region string, within time.Duration) (n int) {
	var left *Transition // the failover away from the region whose arrival is looked for
	for i := range history {
		switch t := &history[i]; {
		case !t.Type.MovesRegion():
		case t.ordered():
			return n
		case left != nil:
			if t.To != region || left.Time.Sub(t.Time) >= within {
				return n
			}
			n++
			left = nil
		case t.counts() && t.From == region:
			left = t
		}
	}
	return n
}

// minDuration returns the least time that traffic stays elsewhere before it goes back to the region: MinDuration,
// doubled as often as the region has failed soon after traffic had come to it, up to MaxMinDuration.
func (c *Config) minDuration(history []Transition, region string) time.Duration {
	if c.MaxMinDuration <= c.MinDuration {
		return c.MinDuration
	}
	return min(c.MinDuration<<flaps(history, region, c.MaxMinDuration), c.MaxMinDuration)
}

// StaysAway returns the least time that traffic stays elsewhere before it goes back to the region.
func (c *Config) StaysAway(region string, r *Record) time.Duration {
	return c.minDuration(r.History, region)
}

// reviewFlapping brings the regions up to the history.
func (m *Machine) reviewFlapping() {
	for i := range m.regions {
		m.regions[i].minDuration = m.config.minDuration(m.record.History, m.regions[i].Name)
	}
}

// Flapping returns for how long at least traffic stays away from the region because it flaps; 0 if it does not.
func (m *Machine) Flapping(name string) time.Duration {
	if i := m.index(name); i >= 0 && m.regions[i].minDuration != m.config.MinDuration {
		return m.regions[i].minDuration
	}
	return 0
}

// sayFlapping adds to the message of a failover if the region that it leaves flaps.
func (m *Machine) sayFlapping(message string, leaving Transition) string {
	d := m.config.minDuration(append([]Transition{leaving}, m.record.History...), leaving.From)
	if d == m.config.MinDuration {
		return message
	}
	return fmt.Sprintf("%s; it flaps, and gets traffic back after %v at the earliest", message, d)
}
