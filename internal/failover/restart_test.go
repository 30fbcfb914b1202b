// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"testing"
	"time"
)

// A restart in any state changes nothing of the story that status tells: same regions, same sequence, no
// write more. Health is unknown after it, so that evidence is gathered again, within a period.
func TestRestart(t *testing.T) {
	runAll(t, []scenario{
		{
			name:   "at rest",
			script: func(w *world) { w.restart(12*second, 0) },
			until:  100 * second,
			want:   []string{"0s first us-east"},
		},
		{
			name: "before anything was stored",
			script: func(w *world) {
				w.store.fails = true
				w.restart(100*ms, 0)
				w.storing(2*second, store{})
			},
			until: 100 * second,
			want:  []string{"2.1s first us-east"},
		},
		{
			name: "open: the window ends where it was",
			script: func(w *world) {
				w.traffic(12*second, "eu-west", 5, status(503))
				w.restart(40*second, 0)
			},
			until: 100 * second,
			want: []string{
				"0s first us-east",
				"12s #1 BreakerOpened eu-west Status503",
				"72s #2 BreakerClosed eu-west Recovered",
			},
		},
		{
			name: "open, and the clock stepped back: the window is bounded by openDuration",
			script: func(w *world) {
				w.traffic(12*second, "eu-west", 5, status(503))
				w.restart(40*second, -time.Hour)
			},
			until: 110 * second,
			want: []string{
				"0s first us-east",
				"12s #1 BreakerOpened eu-west Status503",
				"40s write", // the window that holds now
				"100s #2 BreakerClosed eu-west Recovered",
			},
		},
		{
			name: "a Retry-After still holds",
			script: func(w *world) {
				w.traffic(12*second, "eu-west", 1, limited(150*second))
				w.restart(40*second, 0)
				w.switches(50*second, "1", "eu-west")
			},
			until: 200 * second,
			want: []string{
				"0s first us-east",
				"12s #1 BreakerOpened eu-west RateLimited",
				"50s switch Refused",
				"50s SwitchNotDone",
				"162s #2 BreakerClosed eu-west Recovered",
			},
		},
		{
			name: "half open: one more trial",
			script: func(w *world) {
				w.config.Regions[1].Breaker.SuccessThreshold = 3
				w.traffic(12*second, "eu-west", 5, status(503))
				w.restart(73500*ms, 0)
			},
			until: 200 * second,
			want: []string{
				"0s first us-east",
				"12s #1 BreakerOpened eu-west Status503",
				"75.5s #2 BreakerClosed eu-west Recovered",
			},
		},
		{
			name: "while candidates are probed: the claim begins again",
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", slow(200, second))
				w.restart(14600*ms, 0)
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"14.25s #1 BreakerOpened us-east Status503",
				"15.6s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "before the opening was stored: it is seen again",
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", slow(200, second))
				w.restart(14100*ms, 0)
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"18.35s #1 BreakerOpened us-east Status503",
				"19.1s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "holding",
			script: func(w *world) {
				bothDown(w)
				w.restart(30*second, 0)
				w.responds(40500*ms, "eu-west", status(200))
			},
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"14s holding true",
				"14s #1 BreakerOpened us-east Status503",
				"17s #2 BreakerOpened eu-west Status503",
				"41s #3 BreakerClosed eu-west Recovered",
				"41s #4 FailedOver us-east>eu-west BreakerOpen",
				"41s holding false",
			},
		},
		{
			name: "transport errors had opened it: the active region is asked as well",
			script: func(w *world) {
				w.responds(10*second, "us-east", hangs())
				w.responds(10*second, "eu-west", hangs())
				w.restart(40*second, 0)
				w.responds(40*second, "us-east", slow(200, 100*ms))
				w.responds(40*second, "eu-west", status(200))
			},
			until: 41 * second,
			want: []string{
				"0s first us-east",
				"25.25s #1 BreakerOpened us-east Timeout",
				"28s holding true",
				"31s #2 BreakerOpened eu-west Timeout",
				"40s holding false",
				"40.1s #3 BreakerClosed us-east Recovered",
			},
		},
		{
			name: "pinned",
			script: func(w *world) {
				w.switches(12*second, "1", "eu-west")
				w.restart(20*second, 0)
			},
			until: 100 * second,
			want: []string{
				"0s first us-east",
				"12s #1 SwitchedOver us-east>eu-west Requested",
				"12s switch Switched",
			},
		},
		{
			name: "waiting for minDuration, with times finer than what is stored",
			script: func(w *world) {
				w.config.Regions[0].Breaker.OpenDuration = 10 * second
				w.traffic(14*second+1, "us-east", 5, status(503))
				w.restart(30*second, 0)
			},
			until: 44*second + 1,
			want: []string{
				"0s first us-east",
				"14.000000001s #1 BreakerOpened us-east Status503",
				"14.000000001s #2 FailedOver us-east>eu-west BreakerOpen",
				"24.000000001s #3 BreakerClosed us-east Recovered",
			},
		},
		{
			name: "Observe: told once more, nothing is written",
			script: func(w *world) {
				w.config.Mode = Observe
				w.responds(10*second, "us-east", status(503))
				w.restart(30*second, 0)
			},
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"14s #1 BreakerOpened us-east Status503",
				"14s WouldFailOver",
				"30s WouldFailOver",
			},
		},
	})
}
