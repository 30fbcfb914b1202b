// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"testing"
	"time"
)

// turns gives a move its turn, for a second.
func (w *world) turns(at time.Duration) {
	w.at(at, func() { w.machine.GiveTurn(w.clock().Add(time.Second)) })
}

// awaitTurn has a move that waits get its turn some time later, if no script gives it.
func (w *world) awaitTurn() {
	if w.turnAfter == nil || w.turnAt > w.now || !w.machine.waits(w.clock()) {
		return
	}
	w.turnAt = w.now + max(*w.turnAfter, 1)
	w.turns(w.turnAt)
}

func paced(w *world) {
	w.config.Paced = true
	w.responds(12*second, "us-east", status(503))
	w.traffic(12*second, "us-east", 5, status(503))
}

func TestTurn(t *testing.T) {
	runAll(t, []scenario{
		{
			name: "a failover waits for its turn, and then goes on evidence that is fresh",
			script: func(w *world) {
				paced(w)
				w.turns(33300 * ms)
			},
			until: 40 * second,
			want: []string{
				"0s first us-east",
				"12.25s #1 BreakerOpened us-east Status503",
				"33.3s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "no evidence in its turn: nothing moves, and the turn is over after its time",
			script: func(w *world) {
				paced(w)
				w.responds(13*second, "eu-west", hangs())
				w.turns(20 * second)
				w.responds(22*second, "eu-west", status(200))
			},
			until: 40 * second,
			want: []string{
				"0s first us-east",
				"12.25s #1 BreakerOpened us-east Status503",
				"23s holding true",
				"26s holding false",
			},
		},
		{
			name: "the cause is gone before its turn: nothing moves",
			script: func(w *world) {
				paced(w)
				w.config.Regions[0].Breaker.OpenDuration = 5 * second
				w.responds(16*second, "us-east", status(200))
				w.turns(18 * second)
			},
			until: 40 * second,
			want: []string{
				"0s first us-east",
				"12.25s #1 BreakerOpened us-east Status503",
				"17s #2 BreakerClosed us-east Recovered",
			},
		},
		{
			name: "people do not wait",
			script: func(w *world) {
				paced(w)
				w.switches(20*second, "1", "eu-west")
				w.resets(25*second, "1")
			},
			until: 28 * second,
			want: []string{
				"0s first us-east",
				"12.25s #1 BreakerOpened us-east Status503",
				"20s #2 SwitchedOver us-east>eu-west Requested",
				"20s switch Switched",
				"25s #3 Reset eu-west>us-east Requested",
			},
		},
		{
			name: "one turn is for one move",
			script: func(w *world) {
				paced(w)
				w.config.MinDuration = 0
				w.config.Regions[0].Breaker.OpenDuration = 1200 * ms
				w.turns(13 * second)
				w.responds(13*second, "us-east", status(200))
				w.turns(30 * second)
			},
			until: 40 * second,
			want: []string{
				"0s first us-east",
				"12.25s #1 BreakerOpened us-east Status503",
				"13s #2 FailedOver us-east>eu-west BreakerOpen",
				"13.2s #3 BreakerClosed us-east Recovered",
				"30s #4 FailedBack eu-west>us-east PreferredRegionHealthy",
			},
		},
		{
			name: "what Observe reports does not wait",
			script: func(w *world) {
				paced(w)
				w.config.Mode = Observe
			},
			until: 40 * second,
			want: []string{
				"0s first us-east",
				"12s #1 BreakerOpened us-east Status503",
				"12s WouldFailOver",
			},
		},
	})
}

// Waiting is told after some seconds, and while it lasts there is one round of probes each period.
func TestWaitingIsShown(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	paced(w)
	for _, tt := range []struct {
		at   time.Duration
		want bool
	}{{14900 * ms, false}, {15 * second, true}, {100 * second, true}} {
		w.run(tt.at)
		if got := w.machine.View(w.clock()).Waiting; got != tt.want {
			t.Errorf("at %v: Waiting = %v, want %v", tt.at, got, tt.want)
		}
	}
	w.run(133 * second)
	plans, probes := w.plans, len(w.probed)
	w.run(183 * second)
	if w.plans != plans {
		t.Errorf("%d plans in 50 s of waiting, want none", w.plans-plans)
	}
	if n := len(w.probed) - probes; n > 2*11 {
		t.Errorf("%d probes in 50 s of waiting, want at most 11 of each region", n)
	}
	w.turns(184 * second)
	w.run(185 * second)
	if w.machine.View(w.clock()).Waiting {
		t.Error("still waiting after the move")
	}
}
