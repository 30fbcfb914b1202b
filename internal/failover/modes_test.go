// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestModes(t *testing.T) {
	in := func(mode Mode, script func(w *world)) func(w *world) {
		return func(w *world) {
			w.config.Mode = mode
			script(w)
		}
	}
	runAll(t, []scenario{
		{
			name: "Observe: one notice per trigger, nothing moves",
			script: in(Observe, func(w *world) {
				w.config.Regions[0].Breaker.OpenDuration = 10 * second
				w.traffic(12*second, "us-east", 5, status(503))
				w.traffic(60*second, "us-east", 5, status(503))
			}),
			until: 200 * second,
			want: []string{
				"0s first us-east",
				"12s #1 BreakerOpened us-east Status503",
				"12s WouldFailOver",
				"22s #2 BreakerClosed us-east Recovered",
				"60s #3 BreakerOpened us-east Status503",
				"60s WouldFailOver",
				"70s #4 BreakerClosed us-east Recovered",
			},
		},
		{
			name: "Observe: it holds as well, and tells when somebody answers",
			script: in(Observe, func(w *world) {
				w.responds(5*second, "eu-west", status(503))
				w.responds(12*second, "us-east", status(503))
				w.traffic(12*second, "us-east", 5, status(503))
				w.responds(20500*ms, "eu-west", status(200))
			}),
			until: 71 * second,
			want: []string{
				"0s first us-east",
				"12s holding true",
				"12s #1 BreakerOpened us-east Status503",
				"13s #2 BreakerOpened eu-west Status503",
				"21s #3 BreakerClosed eu-west Recovered",
				"21s WouldFailOver",
			},
		},
		{
			name: "Observe: one notice for a failback",
			script: func(w *world) {
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", status(200))
				w.edit(20*second, func(c *Config) { c.Mode = Observe })
			},
			until: 300 * second,
			want: afterLeaving(
				"24s #3 BreakerClosed us-east Recovered",
				"44s WouldFailBack",
			),
		},
		{
			name: "Observe, then Automatic in the outage: it moves",
			script: in(Observe, func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.edit(30*second, func(c *Config) { c.Mode = Automatic })
			}),
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"14s #1 BreakerOpened us-east Status503",
				"14s WouldFailOver",
				"30s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "Disabled: breakers run, no claims; Automatic in the outage starts one",
			script: in(Disabled, func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.edit(80*second, func(c *Config) { c.Mode = Automatic })
			}),
			until: 100 * second,
			want: []string{
				"0s first us-east",
				"14s #1 BreakerOpened us-east Status503",
				"74s write", // a failed trial
				"80s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "Disabled: no failback",
			script: func(w *world) {
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", status(200))
				w.edit(20*second, func(c *Config) { c.Mode = Disabled })
			},
			until: 300 * second,
			want:  afterLeaving("24s #3 BreakerClosed us-east Recovered"),
		},
		{
			name: "Disabled while candidates are probed: no commit",
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", slow(200, 200*ms))
				w.edit(14100*ms, func(c *Config) { c.Mode = Disabled })
			},
			until: 60 * second,
			want:  []string{"0s first us-east", "14.1s #1 BreakerOpened us-east Status503"},
		},
		{
			name: "paused: breakers run, nothing else; an order waits; all is evaluated at the end",
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.order(12*second, func(o *Orders) { o.Paused, o.PausedUntil = true, w.clock().Add(20*second) })
				w.switches(20*second, "1", "mars")
			},
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"14s #1 BreakerOpened us-east Status503",
				"32s switch Refused",
				"32s SwitchNotDone",
				"32s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "paused from the beginning: the primary is published at the end",
			script: func(w *world) {
				w.orders.Paused = true
				w.order(20*second, func(o *Orders) { o.Paused = false })
			},
			until: 60 * second,
			want:  []string{"20s first us-east"},
		},
		{
			name: "orders that are there at the first reconcile are acknowledged, not acted on",
			script: func(w *world) {
				w.orders = Orders{Reset: "1", Switch: "1", SwitchTo: "eu-west"}
				w.restart(10*second, 0)
			},
			until: 60 * second,
			want:  []string{"0s first us-east"},
		},
	})
}

// What Observe mode would do is shown as long as its cause stands.
func TestObserveView(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	w.config.Mode = Observe
	w.config.Regions[0].Breaker.OpenDuration = 10 * second
	w.traffic(12*second, "us-east", 5, status(503))
	type would struct {
		Type TransitionType
		To   string
	}
	for _, tt := range []struct {
		at   int
		want would
	}{
		{11, would{}},
		{12, would{FailedOver, "eu-west"}},
		{21, would{FailedOver, "eu-west"}},
		{22, would{}},
	} {
		w.run(time.Duration(tt.at) * second)
		v := w.machine.View(w.clock())
		if diff := cmp.Diff(tt.want, would{v.Would, v.WouldTo}); diff != "" {
			t.Errorf("at %d s (-want +got):\n%s", tt.at, diff)
		}
	}
}

func TestDeciding(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	w.responds(5*second, "eu-west", slow(503, second))
	w.traffic(12*second, "us-east", 5, status(503))
	for _, tt := range []struct {
		at   int
		want bool
	}{{11, false}, {12, true}, {13, false}} {
		w.run(time.Duration(tt.at) * second)
		if got := w.machine.Deciding(); got != tt.want {
			t.Errorf("at %d s: Deciding() = %v, want %v", tt.at, got, tt.want)
		}
	}
}
