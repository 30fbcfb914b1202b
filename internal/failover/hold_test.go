// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func bothDown(w *world) {
	w.responds(10*second, "us-east", status(503))
	w.responds(12*second, "eu-west", status(503))
}

func TestHold(t *testing.T) {
	runAll(t, []scenario{
		{
			name: "nobody answers: hold, and the first later answer is taken",
			script: func(w *world) {
				bothDown(w)
				w.responds(16500*ms, "eu-west", status(200))
			},
			until: 20 * second,
			want: []string{
				"0s first us-east",
				"14s holding true",
				"14s #1 BreakerOpened us-east Status503",
				"17s #2 FailedOver us-east>eu-west BreakerOpen",
				"17s holding false",
			},
		},
		{
			name: "also a region whose breaker is open: its success closes it, long before its window ends",
			script: func(w *world) {
				bothDown(w)
				w.responds(24500*ms, "eu-west", status(200))
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"14s holding true",
				"14s #1 BreakerOpened us-east Status503",
				"17s #2 BreakerOpened eu-west Status503",
				"25s #3 BreakerClosed eu-west Recovered",
				"25s #4 FailedOver us-east>eu-west BreakerOpen",
				"25s holding false",
			},
		},
		{
			name: "as many successes as a trial would need",
			script: func(w *world) {
				w.config.Regions[1].Breaker.SuccessThreshold = 3
				bothDown(w)
				w.responds(24500*ms, "eu-west", status(200))
				w.responds(26500*ms, "eu-west", status(401))
				w.responds(27500*ms, "eu-west", status(200))
			},
			until: 40 * second,
			want: []string{
				"0s first us-east",
				"14s holding true",
				"14s #1 BreakerOpened us-east Status503",
				"17s #2 BreakerOpened eu-west Status503",
				"30s #3 BreakerClosed eu-west Recovered",
				"30s #4 FailedOver us-east>eu-west BreakerOpen",
				"30s holding false",
			},
		},
		{
			name: "the active region answers again: the hold ends and nothing moves",
			script: func(w *world) {
				bothDown(w)
				w.responds(24500*ms, "us-east", status(200))
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"14s holding true",
				"14s #1 BreakerOpened us-east Status503",
				"17s #2 BreakerOpened eu-west Status503",
				"25s holding false",
				"25s #3 BreakerClosed us-east Recovered",
			},
		},
		{
			name: "everybody answers again in one round: the active region wins it",
			script: func(w *world) {
				w.responds(10*second, "us-east", hangs())
				w.responds(10*second, "eu-west", hangs())
				w.responds(90*second, "us-east", slow(200, 150*ms))
				w.responds(90*second, "eu-west", slow(200, 20*ms))
			},
			until: 94 * second,
			want: []string{
				"0s first us-east",
				"25.25s #1 BreakerOpened us-east Timeout",
				"28s holding true",
				"31s #2 BreakerOpened eu-west Timeout",
				"88s write",
				"91.02s #3 BreakerClosed eu-west Recovered",
				"91.17s holding false",
				"91.17s #4 BreakerClosed us-east Recovered",
			},
		},
		{
			name: "the active region's probe hangs from before: it is asked once more, and wins",
			script: func(w *world) {
				w.responds(10*second, "us-east", hangs())
				w.responds(10*second, "eu-west", hangs())
				w.responds(87*second, "us-east", slow(200, 150*ms))
				w.responds(87*second, "eu-west", slow(200, 20*ms))
			},
			until: 94 * second,
			want: []string{
				"0s first us-east",
				"25.25s #1 BreakerOpened us-east Timeout",
				"28s holding true",
				"31s #2 BreakerOpened eu-west Timeout",
				"88s write",
				"88.02s #3 BreakerClosed eu-west Recovered",
				"88.17s holding false",
				"88.17s #4 BreakerClosed us-east Recovered",
			},
		},
		{
			name: "real traffic opened it: its window is kept, the other region is taken",
			script: func(w *world) {
				w.responds(12*second, "eu-west", status(503))
				w.traffic(12*second, "us-east", 5, status(503))
				w.responds(20500*ms, "eu-west", status(200))
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"12s holding true",
				"12s #1 BreakerOpened us-east Status503",
				"15s #2 BreakerOpened eu-west Status503",
				"21s #3 BreakerClosed eu-west Recovered",
				"21s #4 FailedOver us-east>eu-west BreakerOpen",
				"21s holding false",
			},
		},
		{
			name: "the active region recovers by its own trial",
			script: func(w *world) {
				w.responds(12*second, "eu-west", status(503))
				w.traffic(12*second, "us-east", 5, status(503))
			},
			until: 80 * second,
			want: []string{
				"0s first us-east",
				"12s holding true",
				"12s #1 BreakerOpened us-east Status503",
				"15s #2 BreakerOpened eu-west Status503",
				"72s holding false",
				"72s #3 BreakerClosed us-east Recovered",
				"75s write",
			},
		},
		{
			name:    "only one region: it holds and comes back",
			regions: []string{"us-east"},
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(20500*ms, "us-east", status(200))
			},
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"14s holding true",
				"14s #1 BreakerOpened us-east Status503",
				"21s holding false",
				"21s #2 BreakerClosed us-east Recovered",
			},
		},
	})
}

func TestHoldProbes(t *testing.T) {
	tests := []struct {
		name           string
		script         func(w *world)
		usEast, euWest string // from 14 s to 20 s
	}{
		{
			name:   "at once, then every suspectPeriod: all others, and the active one that probes opened",
			script: bothDown,
			usEast: "14s 14s 15s 16s 17s 18s 19s 20s", // the first is the scheduled one
			euWest: "14s 14s 15s 16s 17s 18s 19s 20s", // the first is the first round
		},
		{
			name: "a Retry-After is respected",
			script: func(w *world) {
				bothDown(w)
				w.responds(15500*ms, "eu-west", limited(2500*ms))
				w.responds(16500*ms, "us-east", limited(90*second))
			},
			usEast: "14s 14s 15s 16s 17s",
			euWest: "14s 14s 15s 16s 19s",
		},
		{
			name: "real traffic opened the active one: it is left alone",
			script: func(w *world) {
				w.responds(12*second, "eu-west", status(503))
				w.traffic(14*second, "us-east", 5, status(503))
			},
			usEast: "",
			euWest: "14s 14s 15s 16s 17s 18s 19s 20s",
		},
		{
			name: "a failed trial does not make it one that probes opened",
			script: func(w *world) {
				w.config.Regions[0].Breaker.OpenDuration = 2500 * ms
				w.responds(12*second, "eu-west", status(503))
				w.responds(12*second, "us-east", status(503))
				w.traffic(14*second, "us-east", 5, status(503))
			},
			usEast: "16.5s 19s",
			euWest: "14s 14s 15s 16s 17s 18s 19s 20s",
		},
		{
			name: "OnDemand: the active region keeps its window",
			script: func(w *world) {
				for i := range w.config.Regions {
					w.config.Regions[i].Probe.OnDemand = true
				}
				w.responds(12*second, "eu-west", status(503))
				w.traffic(14*second, "us-east", 5, status(503))
			},
			usEast: "",
			euWest: "14s 14s 15s 16s 17s 18s 19s 20s",
		},
		{
			name: "OnDemand from now on: the active region keeps its window",
			script: func(w *world) {
				bothDown(w)
				w.edit(15500*ms, func(c *Config) { c.Regions[0].Probe.OnDemand = true })
			},
			usEast: "14s 14s 15s",
			euWest: "14s 14s 15s 15.5s 15.5s 16.5s 17.5s 18.5s 19.5s", // a new claim
		},
		{
			name: "one hold probe of a region at a time",
			script: func(w *world) {
				bothDown(w)
				w.responds(15500*ms, "eu-west", slow(503, 2500*ms))
			},
			usEast: "14s 14s 15s 16s 17s 18s 19s 20s",
			euWest: "14s 14s 15s 16s 19s",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, config("us-east", "eu-west"))
			tt.script(w)
			w.run(20 * second)
			got := []string{w.probes("us-east", 14*second), w.probes("eu-west", 14*second)}
			if diff := cmp.Diff([]string{tt.usEast, tt.euWest}, got); diff != "" {
				t.Errorf("probes (-want +got):\n%s", diff)
			}
		})
	}
}
