// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"testing"
	"time"
)

// newAdaptiveWorld is a world of two regions in mode Adaptive.
func newAdaptiveWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, config("us-east", "eu-west"))
	for i := range w.config.Regions {
		w.config.Regions[i].Breaker.Adaptive = new(DefaultAdaptive())
	}
	return w
}

func (w *world) averages(region int) averages { return w.machine.regions[region].breaker.averages }

// Limits that move are shown by the next plan, and are no reason to make one.
func TestLimitsAreNotWritten(t *testing.T) {
	w := newAdaptiveWorld(t)
	w.run(time.Minute)
	writes, plans := w.writes, w.plans
	if got, want := w.machine.Plan(w.clock()).Limits[1], (Limits{FailureThreshold: 10}); got != want {
		t.Errorf("limits at rest = %+v, want %+v", got, want)
	}
	w.traffic(61*second, "eu-west", 4, status(503))
	w.run(61 * second)
	if got := w.machine.Plan(w.clock()).Limits[1]; got != (Limits{}) {
		t.Errorf("limits after failures = %+v, want those configured", got)
	}
	w.run(time.Hour)
	if w.writes != writes || w.plans != plans {
		t.Errorf("%d writes and %d plans because limits moved", w.writes-writes, w.plans-plans)
	}
}

// What the averages of a region survive.
func TestAverages(t *testing.T) {
	tests := []struct {
		name string
		do   func(w *world)
		kept bool
	}{
		{"an edit of the limits", func(w *world) {
			w.edit(200*second, func(c *Config) { c.Regions[1].Breaker.FailureThreshold = 7 })
		}, true},
		{"a reset", func(w *world) { w.resets(200*second, "1") }, true},
		{"another endpoint", func(w *world) {
			w.edit(200*second, func(c *Config) { c.Regions[1].Identity = "elsewhere" })
		}, false},
		{"mode Fixed", func(w *world) {
			w.edit(200*second, func(c *Config) { c.Regions[1].Breaker.Adaptive = nil })
		}, false},
		{"a restart", func(w *world) { w.restart(200*second, 0) }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newAdaptiveWorld(t)
			w.traffic(7*second, "eu-west", 5, status(503))
			tt.do(w)
			w.run(199 * second)
			before := w.averages(1)
			if !before.sampled || before.failureRate == 0 {
				t.Fatalf("averages = %+v, want a sample and a rate", before)
			}
			w.run(200 * second)
			if got := w.averages(1); got.sampled != tt.kept {
				t.Errorf("averages = %+v, kept should be %v", got, tt.kept)
			}
		})
	}
}

// A switch whose probe succeeds closes the target's breaker: a success, and the end of an outage.
func TestSwitchIsASample(t *testing.T) {
	w := newAdaptiveWorld(t)
	w.traffic(7*second, "eu-west", 5, status(503))
	w.run(16 * second)
	rate := w.averages(1).failureRate
	w.switches(17*second, "1", "eu-west")
	w.run(17 * second)
	want := averages{failureRate: rate - rate/10, openFor: 45 * second, sampled: true}
	if got := w.averages(1); got != want {
		t.Errorf("averages = %+v, want %+v", got, want)
	}
}

// That a person closes a breaker says nothing about how long the region took to recover.
func TestResetIsNoSample(t *testing.T) {
	w := newAdaptiveWorld(t)
	w.traffic(7*second, "eu-west", 5, status(503))
	w.resets(17*second, "1")
	w.run(17 * second)
	if len(w.open()) > 0 || w.averages(1).sampled {
		t.Errorf("%v are open, averages = %+v, want none open and no sample", w.open(), w.averages(1))
	}
}

// When a window that was read from the store began is not known: its end is no sample. That of a window that
// a trial has opened since is one.
func TestStoredWindowIsNoSample(t *testing.T) {
	for _, failing := range []bool{false, true} {
		w := newAdaptiveWorld(t)
		w.traffic(7*second, "eu-west", 5, status(503))
		w.restart(17*second, 0)
		if failing {
			w.responds(17*second, "eu-west", status(503))
			w.responds(100*second, "eu-west", status(200))
		}
		w.run(300 * second)
		if len(w.open()) > 0 {
			t.Fatalf("%v are open", w.open())
		}
		if got := w.averages(1).sampled; got != failing {
			t.Errorf("sampled = %v, want %v", got, failing)
		}
	}
}

// A window that the averages have made longer than openDuration goes on after a restart as it was stored.
func TestStoredWindowMayBeLongerThanConfigured(t *testing.T) {
	w := newAdaptiveWorld(t)
	w.at(6*second, func() {
		w.machine.regions[1].breaker.averages = averages{openFor: 5 * time.Minute, sampled: true}
	})
	w.traffic(7*second, "eu-west", 5, status(503))
	w.restart(17*second, 0)
	w.run(400 * second)
	if got, want := w.probes("eu-west", 17*second), "307s"; got[:len(want)] != want {
		t.Errorf("probed at %s, want the trial at %s first", got, want)
	}
}
