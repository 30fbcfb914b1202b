// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"slices"
	"testing"
	"time"
)

// The breaker of the active region may close, and open again, while the candidates are probed.
func TestFailoverGuard(t *testing.T) {
	closesAt := func(at time.Duration) func(w *world) {
		return func(w *world) {
			w.config.Regions[0].Breaker.OpenDuration = second
			w.responds(10*second, "us-east", status(503))
			w.responds(12*second, "eu-west", slow(200, 2500*ms))
			w.responds(at, "us-east", status(200))
		}
	}
	runAll(t, []scenario{
		{
			name:   "open, closed: no commit",
			script: closesAt(14500 * ms),
			until:  30 * second,
			want: []string{
				"0s first us-east",
				"14.25s #1 BreakerOpened us-east Status503",
				"15s #2 BreakerClosed us-east Recovered",
			},
		},
		{
			name: "open, closed, open: commit",
			script: func(w *world) {
				closesAt(14500 * ms)(w)
				w.traffic(15500*ms, "us-east", 5, status(500))
			},
			until: 17 * second,
			want: []string{
				"0s first us-east",
				"14.25s #1 BreakerOpened us-east Status503",
				"15s #2 BreakerClosed us-east Recovered",
				"15.75s #3 BreakerOpened us-east Status500",
				"16.5s #4 FailedOver us-east>eu-west BreakerOpen",
				"16.5s #5 BreakerClosed us-east Recovered",
			},
		},
		{
			name: "open, closed by its trial, open, while its own probe of the round hangs and fails: commit",
			script: func(w *world) {
				w.config.Regions[0].Breaker.OpenDuration = second
				w.timeouts["eu-west"] = 5 * second
				w.responds(10*second, "us-east", hangs())
				w.responds(20*second, "eu-west", slow(200, 4*second))
				w.responds(25500*ms, "us-east", status(200))
				w.traffic(28500*ms, "us-east", 5, status(500))
			},
			until: 29 * second,
			want: []string{
				"0s first us-east",
				"25.25s #1 BreakerOpened us-east Timeout",
				"26s #2 BreakerClosed us-east Recovered",
				"28.75s #3 BreakerOpened us-east Status500",
				"29s #4 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name:    "closed while a more preferred candidate is still waited for: no commit when the 250 ms are over",
			regions: []string{"us-east", "eu-west", "local"},
			script: func(w *world) {
				closesAt(14500 * ms)(w)
				w.responds(12*second, "eu-west", hangs())
				w.responds(12*second, "local", slow(200, 900*ms))
			},
			until: 19 * second,
			want: []string{
				"0s first us-east",
				"14.25s #1 BreakerOpened us-east Status503",
				"15s #2 BreakerClosed us-east Recovered",
			},
		},
		{
			name:    "the winner turns out to be no endpoint that may be used: probed anew",
			regions: []string{"us-east", "eu-west", "local"},
			script: func(w *world) {
				w.config.Regions[2].Probe.FirstAfter = 3900 * ms
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", hangs())
				w.responds(13500*ms, "local", answer{Response: Response{Fault: ClusterIPEndpoint}, after: 300 * ms})
				w.responds(14*second, "local", slow(200, 100*ms))
			},
			until: 16 * second,
			want: []string{
				"0s first us-east",
				"14.25s #1 BreakerOpened us-east Status503",
				"14.55s #2 FailedOver us-east>local BreakerOpen",
			},
		},
		{
			name: "open, closed, and open after the answers: probed anew",
			script: func(w *world) {
				closesAt(14500 * ms)(w)
				w.responds(16600*ms, "us-east", status(503))
				w.traffic(16700*ms, "us-east", 5, status(500))
			},
			until: 19500 * ms,
			want: []string{
				"0s first us-east",
				"14.25s #1 BreakerOpened us-east Status503",
				"15s #2 BreakerClosed us-east Recovered",
				"16.95s #3 BreakerOpened us-east Status500",
				"17.7s write",
				"18.7s write",
				"19.2s #4 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "a change of the spec while candidates are probed: no commit, and it starts again",
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", slow(200, second))
				w.edit(14500*ms, func(c *Config) { c.MinDuration = second })
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"14.25s #1 BreakerOpened us-east Status503",
				"15.5s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "another operator has written while candidates are probed: no commit, and it starts again",
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", slow(200, second))
				w.at(14500*ms, func() {
					w.stored.Regions = slices.Clone(w.stored.Regions)
					w.stored.Regions[0].OpenUntil = w.clock().Add(30 * second)
					w.observe()
				})
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"14.25s #1 BreakerOpened us-east Status503",
				"15.5s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "a pause while candidates are probed: no commit, and it starts again at its end",
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", slow(200, second))
				w.order(14500*ms, func(o *Orders) { o.Paused = true })
				w.order(20*second, func(o *Orders) { o.Paused = false })
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"14.25s #1 BreakerOpened us-east Status503",
				"21s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name:    "the spec drops the candidate that is about to win",
			regions: []string{"us-east", "eu-west", "local"},
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", slow(200, second))
				w.responds(12*second, "local", slow(200, second))
				w.edit(14900*ms, func(c *Config) { c.Regions = append(c.Regions[:1:1], c.Regions[2]) })
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"14.25s #1 BreakerOpened us-east Status503",
				"14.9s write",
				"15.9s #2 FailedOver us-east>local BreakerOpen",
			},
		},
	})
}
