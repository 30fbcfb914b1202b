// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"slices"
	"testing"
	"time"
)

// resets asks for a reset.
func (w *world) resets(at time.Duration, token string) {
	w.order(at, func(o *Orders) { o.Reset = token })
}

func TestReset(t *testing.T) {
	runAll(t, []scenario{
		{
			name: "restores the primary at once, without a probe, as one transition",
			script: func(w *world) {
				leavesAt14(w, 300*second)
				w.traffic(19*second, "eu-west", 4, status(503))
				w.responds(19*second, "us-east", hangs())
				w.resets(20*second, "1")
			},
			until: 21 * second,
			want:  afterLeaving("20s #3 Reset eu-west>us-east Requested"),
		},
		{
			name: "clears counts and windows of all breakers",
			script: func(w *world) {
				w.traffic(12*second, "us-east", 4, status(503))
				w.traffic(12*second, "eu-west", 5, status(503))
				w.resets(13*second, "1")
				w.traffic(14*second, "us-east", 4, status(503))
				w.traffic(14*second, "eu-west", 4, status(503))
			},
			until: 100 * second,
			want: []string{
				"0s first us-east",
				"12s #1 BreakerOpened eu-west Status503",
				"13s #2 Reset us-east>us-east Requested",
			},
		},
		{
			name: "forgets what a Retry-After holds of a closed breaker: a switch there is tried",
			script: func(w *world) {
				w.traffic(12*second, "eu-west", 1, limited(100*second))
				w.resets(13*second, "1")
				w.switches(14*second, "1", "eu-west")
			},
			until: 15 * second,
			want: []string{
				"0s first us-east",
				"13s #1 Reset us-east>us-east Requested",
				"14s #2 SwitchedOver us-east>eu-west Requested",
				"14s switch Switched",
			},
		},
		{
			name: "heard twice: nothing happens the second time",
			script: func(w *world) {
				w.resets(20*second, "1")
				w.order(30*second, func(*Orders) {})
				w.restart(40*second, 0)
			},
			until: 100 * second,
			want:  []string{"0s first us-east", "20s #1 Reset us-east>us-east Requested"},
		},
		{
			name: "beats a failover in flight, and a new opening right after it is not lost",
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", slow(200, 200*ms))
				w.resets(14100*ms, "1")
				w.traffic(14101*ms, "us-east", 5, status(503))
			},
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"14.1s #1 Reset us-east>us-east Requested",
				"14.301s #2 BreakerOpened us-east Status503",
				"14.301s #3 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "outcomes of probes that began before it are discarded",
			script: func(w *world) {
				w.config.Regions[0].Breaker.FailureThreshold = 1
				w.responds(10*second, "us-east", slow(503, 2*second))
				w.responds(11*second, "us-east", status(200))
				w.resets(11500*ms, "1")
			},
			until: 60 * second,
			want:  []string{"0s first us-east", "11.5s #1 Reset us-east>us-east Requested"},
		},
		{
			name: "a switch that is asked for together with it is superseded",
			script: func(w *world) {
				w.order(20*second, func(o *Orders) { o.Reset, o.Switch, o.SwitchTo = "1", "1", "eu-west" })
			},
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"20s #1 Reset us-east>us-east Requested",
				"20s switch Superseded",
				"20s SwitchSuperseded",
			},
		},
		{
			name: "it supersedes a switch that is probing",
			script: func(w *world) {
				w.responds(12*second, "eu-west", slow(200, second))
				w.switches(20*second, "1", "eu-west")
				w.resets(20500*ms, "1")
			},
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"20.5s #1 Reset us-east>us-east Requested",
				"20.5s switch Superseded",
				"20.5s SwitchSuperseded",
			},
		},
		{
			name: "it ends a pin",
			script: func(w *world) {
				w.switches(12*second, "1", "us-east")
				w.resets(13*second, "1")
				w.edit(14*second, func(c *Config) { slices.Reverse(c.Regions) })
			},
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"12s switch Pinned",
				"12s RegionPinned",
				"13s #1 Reset us-east>us-east Requested",
				"14s write",
				"43s #2 FailedBack us-east>eu-west PreferredRegionHealthy",
			},
		},
		{
			name: "in mode Disabled it acts as well",
			script: func(w *world) {
				leavesAt14(w, 300*second)
				w.edit(15*second, func(c *Config) { c.Mode = Disabled })
				w.resets(20*second, "1")
			},
			until: 21 * second,
			want:  afterLeaving("20s #3 Reset eu-west>us-east Requested"),
		},
		{
			name: "paused: it waits for the end of the pause",
			script: func(w *world) {
				leavesAt14(w, 300*second)
				w.order(15*second, func(o *Orders) { o.Paused = true })
				w.resets(20*second, "1")
				w.responds(20*second, "us-east", status(200))
				w.order(25*second, func(o *Orders) { o.Paused = false })
			},
			until: 60 * second,
			want:  afterLeaving("25s #3 Reset eu-west>us-east Requested"),
		},
		{
			name: "the store refuses it for a while: done once",
			script: func(w *world) {
				leavesAt14(w, 300*second)
				w.responds(15*second, "us-east", status(200))
				w.storing(19*second, store{fails: true})
				w.resets(20*second, "1")
				w.storing(29900*ms, store{})
			},
			until: 60 * second,
			want:  afterLeaving("30s #3 Reset eu-west>us-east Requested"),
		},
		{
			name: "a route that was seen to work and is gone stays a failure",
			script: func(w *world) {
				w.responds(10*second, "us-east", status(404))
				w.responds(10*second, "eu-west", status(503))
				w.resets(20*second, "1")
				w.responds(20*second, "eu-west", status(200))
			},
			until: 40 * second,
			want: []string{
				"0s first us-east",
				"14s holding true",
				"14s #1 BreakerOpened us-east Status404",
				"16s #2 BreakerOpened eu-west Status503",
				"20s holding false",
				"20s #3 Reset us-east>us-east Requested",
				"24s #4 BreakerOpened us-east Status404",
				"24s #5 FailedOver us-east>eu-west BreakerOpen",
			},
		},
	})
}
