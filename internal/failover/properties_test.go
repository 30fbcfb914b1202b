// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"cmp"
	"fmt"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/breakwater-dev/breakwater/internal/invariant"
)

const (
	turmoil = 180 * time.Second // how long a schedule makes trouble
	calm    = 500 * time.Second // when everything must have settled after it
	rest    = 540 * time.Second // nothing is written from calm on
	again   = 570 * time.Second // until then a new process has found nothing to write either
)

// shards is how many times the number of checks, 100 unless -rapid.checks says otherwise, schedules are played.
const shards = 6

// TestInvariants plays random schedules against the rules of package invariant. A schedule that breaks one is
// made as short as it can be, and shown with its transcript and the command that plays it again.
func TestInvariants(t *testing.T) {
	t.Parallel()
	for shard := range shards {
		t.Run(strconv.Itoa(shard), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, checkSchedule)
		})
	}
}

func checkSchedule(t *rapid.T) {
	s := anySchedule().Draw(t, "schedule")
	w := s.play(t)
	if rapid.IntRange(0, 9).Draw(t, "twice") == 0 {
		if v := invariant.SameOutput(w.log, s.play(t).log); v != nil {
			t.Fatal(v)
		}
	}
}

// play plays a schedule, checks that everything settles after it and is left alone from then on.
func (s schedule) play(t rapid.TB) *world {
	w := newWorld(t, s.config)
	w.timeouts, w.eager, w.turnAfter = s.timeouts, s.eager, &s.turnAfter
	w.notef("> %s; turns after %v: %v", failoverLimits(s.config), s.turnAfter, s.config.Paced)
	for _, r := range s.config.Regions {
		w.notef("> %s: %s", r.Name, limits(r))
	}
	for _, e := range s.script {
		w.at(e.at, func() {
			w.notef("> %s", e.what)
			e.do(w)
		})
	}
	w.at(turmoil, func() {
		w.notef("> all is well")
		w.responses, w.above = map[string]answer{}, map[string]answer{}
	})
	w.storing(turmoil, store{})
	w.order(turmoil, func(o *Orders) { o.Paused = false })
	w.edit(turmoil, func(c *Config) { c.Mode, c.MaxPerHour = Automatic, 0 })
	if s.longHeld {
		// Later than what may have kept the first publication, which acknowledges a reset and does not act on it.
		w.resets(turmoil+time.Second, "the last")
	}
	w.run(calm)
	w.judge.Converged(w.trueTime(w.now))
	w.judge.AtRest()
	plans := w.plans
	w.run(rest)
	if w.plans > plans {
		w.judge.Wrote(w.trueTime(w.now), fmt.Sprintf("there were %d plans", w.plans-plans))
	}
	w.restart(rest+1, 0) // which has to be reported, and changes nothing
	w.run(again)
	return w
}

// checkLimits checks that adaptive breakers go by what their bounds allow, and others by what is configured.
func (w *world) checkLimits(p Plan) {
	for i, l := range p.Limits {
		c := w.config.Regions[i].Breaker
		threshold, open := cmp.Or(l.FailureThreshold, c.FailureThreshold), cmp.Or(l.OpenDuration, c.OpenDuration)
		low, high := c, c
		if a := c.Adaptive; a != nil {
			low.FailureThreshold, low.OpenDuration = a.MinFailureThreshold, a.MinOpenDuration
			high.FailureThreshold, high.OpenDuration = a.MaxFailureThreshold, a.MaxOpenDuration
		}
		if threshold < low.FailureThreshold || threshold > high.FailureThreshold ||
			open < low.OpenDuration-time.Second || open > high.OpenDuration+time.Second {
			w.t.Fatalf("%v: limits %d and %v, which %+v does not allow\n%s", w.now, threshold, open, c, w.transcript())
		}
	}
}
