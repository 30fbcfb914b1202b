// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "time"

// Mode says what claims may do.
type Mode uint8

// The modes. Reset and switch are a person's orders and act in every one of them.
const (
	// Automatic moves traffic.
	Automatic Mode = iota
	// Observe decides and reports, and never moves traffic.
	Observe
	// Disabled makes no claims.
	Disabled
)

// Config is the part of a spec that decisions rest on.
type Config struct {
	// Regions in order of preference: the primary first. At least one, names unique.
	Regions []RegionConfig
	Mode    Mode
	// MinDuration is the least time on a region before a failback leaves it; 0 means none.
	MinDuration time.Duration
	// MaxMinDuration lets MinDuration double up to it for a region that flaps; 0 leaves it as it is.
	MaxMinDuration time.Duration
	// MaxPerHour is how many failovers may be made within an hour, at most 8, which the history keeps; 0 means any
	// number.
	MaxPerHour int
	// Paced makes automatic moves wait for [Machine.GiveTurn].
	Paced bool
	// ManualFailback leaves failing back to people.
	ManualFailback bool
	// SuspectPeriod is the time between two hold rounds.
	SuspectPeriod time.Duration
}

// RegionConfig is one region of a Config.
type RegionConfig struct {
	Name string
	// Identity names endpoint and probe. When it changes, what was known of the region is forgotten.
	Identity string
	Breaker  BreakerConfig
	Probe    ProbeConfig
}

// ProbeConfig says when a region is probed.
type ProbeConfig struct {
	// OnDemand: only before a commit (holding and a due failback included) and as half-open trial.
	OnDemand bool
	// Ladder: probes of other purposes than Routine ask more than routine ones.
	Ladder bool
	// Period lies between the starts of two probes; evidence older than it is no longer fresh.
	Period time.Duration
	// SuspectPeriod replaces Period for the active region after a failure, and lies between two trials.
	SuspectPeriod time.Duration
	// FirstAfter delays the first probe, so that the probes of many backends spread.
	FirstAfter time.Duration
}

// Orders are what people ask for by annotation.
type Orders struct {
	// Reset is the token of the newest reset; empty for none.
	Reset string
	// Switch is the token of the newest switch; empty for none. SwitchTo is where to.
	Switch, SwitchTo string
	// Paused stops everything but probes and breakers, until PausedUntil if that is set.
	Paused      bool
	PausedUntil time.Time
}

func (o Orders) paused(now time.Time) bool {
	return o.Paused && (o.PausedUntil.IsZero() || now.Before(o.PausedUntil))
}

// Input is what is wished and what is stored, as read from the API server.
type Input struct {
	UID        string
	Generation int64
	Config     Config
	Orders     Orders
	Record     Record
}
