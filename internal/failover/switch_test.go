// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// switches asks for a switch.
func (w *world) switches(at time.Duration, token, to string) {
	w.order(at, func(o *Orders) { o.Switch, o.SwitchTo = token, to })
}

func TestSwitch(t *testing.T) {
	runAll(t, []scenario{
		{
			name: "the target answers: it is switched to and pinned",
			script: func(w *world) {
				w.responds(5*second, "eu-west", slow(200, 50*ms))
				w.switches(12*second, "1", "eu-west")
			},
			until: 300 * second,
			want: []string{
				"0s first us-east",
				"12.05s #1 SwitchedOver us-east>eu-west Requested",
				"12.05s switch Switched",
			},
		},
		{
			name: "the target fails: one attempt, acknowledged",
			script: func(w *world) {
				w.responds(11*second, "eu-west", slow(503, 50*ms))
				w.switches(12*second, "1", "eu-west")
				w.responds(13*second, "eu-west", status(200))
			},
			until: 300 * second,
			want: []string{
				"0s first us-east",
				"12.05s switch Failed",
				"12.05s SwitchNotDone",
			},
		},
		{
			name: "the target's breaker is open: its success closes it as a trial would",
			script: func(w *world) {
				w.traffic(12*second, "eu-west", 5, status(503))
				w.switches(20*second, "1", "eu-west")
			},
			until: 100 * second,
			want: []string{
				"0s first us-east",
				"12s #1 BreakerOpened eu-west Status503",
				"20s #2 BreakerClosed eu-west Recovered",
				"20s #3 SwitchedOver us-east>eu-west Requested",
				"20s switch Switched",
			},
		},
		{
			name: "the target's breaker is open and it fails: the window stays",
			script: func(w *world) {
				w.traffic(12*second, "eu-west", 5, status(503))
				w.responds(15*second, "eu-west", status(503))
				w.switches(20*second, "1", "eu-west")
			},
			until: 71 * second,
			want: []string{
				"0s first us-east",
				"12s #1 BreakerOpened eu-west Status503",
				"20s switch Failed",
				"20s SwitchNotDone",
			},
		},
		{
			name: "a region that the spec does not have: refused",
			script: func(w *world) {
				w.switches(12*second, "1", "mars")
			},
			until: 100 * second,
			want:  []string{"0s first us-east", "12s switch Refused", "12s SwitchNotDone"},
		},
		{
			name: "a target that a Retry-After holds: refused, and not probed",
			script: func(w *world) {
				w.responds(9*second, "eu-west", limited(100*second))
				w.responds(11*second, "eu-west", status(200))
				w.switches(12*second, "1", "eu-west")
			},
			until: 100 * second,
			want:  []string{"0s first us-east", "12s switch Refused", "12s SwitchNotDone"},
		},
		{
			name: "to the active region, which fails: refused",
			script: func(w *world) {
				bothDown(w)
				w.switches(20*second, "1", "us-east")
			},
			until: 24 * second,
			want: []string{
				"0s first us-east",
				"14s holding true",
				"14s #1 BreakerOpened us-east Status503",
				"17s #2 BreakerOpened eu-west Status503",
				"20s holding false",
				"20s switch Refused",
				"20s SwitchNotDone",
				"20s holding true",
			},
		},
		{
			name:    "a newer switch replaces the one that is probing",
			regions: []string{"us-east", "eu-west", "local"},
			script: func(w *world) {
				w.responds(5*second, "eu-west", slow(200, second))
				w.switches(12*second, "1", "eu-west")
				w.switches(12500*ms, "2", "local")
			},
			until: 100 * second,
			want: []string{
				"0s first us-east",
				"12.5s #1 SwitchedOver us-east>local Requested",
				"12.5s switch Switched",
			},
		},
		{
			name: "the same switch asked for again while it is probing: one attempt for both",
			script: func(w *world) {
				w.responds(5*second, "eu-west", slow(200, second))
				w.switches(12*second, "1", "eu-west")
				w.switches(12500*ms, "2", "eu-west")
			},
			until: 100 * second,
			want: []string{
				"0s first us-east",
				"13.5s #1 SwitchedOver us-east>eu-west Requested",
				"13.5s switch Switched",
			},
		},
		{
			name: "a hold gives way to a switch",
			script: func(w *world) {
				bothDown(w)
				w.responds(19500*ms, "eu-west", status(200))
				w.switches(19600*ms, "1", "eu-west")
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"14s holding true",
				"14s #1 BreakerOpened us-east Status503",
				"17s #2 BreakerOpened eu-west Status503",
				"19.6s holding false",
				"19.6s #3 BreakerClosed eu-west Recovered",
				"19.6s #4 SwitchedOver us-east>eu-west Requested",
				"19.6s switch Switched",
			},
		},
		{
			name:    "the first round of a failover is not interrupted by a switch",
			regions: []string{"us-east", "eu-west", "local"},
			script: func(w *world) {
				w.responds(12*second, "us-east", status(503))
				w.responds(12*second, "eu-west", slow(200, 200*ms))
				w.traffic(12*second, "us-east", 5, status(503))
				w.switches(12100*ms, "1", "local")
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"12.2s #1 BreakerOpened us-east Status503",
				"12.2s #2 FailedOver us-east>eu-west BreakerOpen",
				"12.2s #3 SwitchedOver eu-west>local Requested",
				"12.2s switch Switched",
			},
		},
		{
			name:    "the active region fails while the target hangs: the failover comes first, and the switch is begun again",
			regions: []string{"us-east", "eu-west", "local"},
			script: func(w *world) {
				w.responds(11*second, "eu-west", hangs())
				w.switches(12*second, "1", "eu-west")
				w.responds(13*second, "us-east", status(503))
				w.traffic(13*second, "us-east", 5, status(503))
			},
			until: 20 * second,
			want: []string{
				"0s first us-east",
				"13.25s #1 BreakerOpened us-east Status503",
				"13.25s #2 FailedOver us-east>local BreakerOpen",
				"16.25s switch Failed",
				"16.25s SwitchNotDone",
			},
		},
		{
			name: "nothing else answers either: the switch is begun again once",
			script: func(w *world) {
				w.responds(11*second, "eu-west", hangs())
				w.switches(12*second, "1", "eu-west")
				w.responds(13*second, "us-east", status(503))
				w.traffic(13*second, "us-east", 5, status(503))
			},
			until: 25 * second,
			want: []string{
				"0s first us-east",
				"13.25s #1 BreakerOpened us-east Status503",
				"19s switch Failed",
				"19s SwitchNotDone",
				"22s holding true",
			},
		},
		{
			name: "the target's breaker opens while its success is stored in vain: asked again",
			script: func(w *world) {
				w.storing(11*second, store{fails: true})
				w.switches(12*second, "1", "eu-west")
				w.traffic(12100*ms, "eu-west", 5, status(503))
				w.storing(12300*ms, store{})
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"12.5s #1 BreakerOpened eu-west Status503",
				"12.5s #2 BreakerClosed eu-west Recovered",
				"12.5s #3 SwitchedOver us-east>eu-west Requested",
				"12.5s switch Switched",
			},
		},
		{
			name: "a hold probe of before does not answer for a switch that is refused",
			script: func(w *world) {
				bothDown(w)
				w.responds(19500*ms, "eu-west", slow(200, 800*ms))
				w.traffic(20100*ms, "eu-west", 1, limited(time.Hour))
				w.storing(20200*ms, store{fails: true})
				w.switches(20300*ms, "1", "eu-west")
				w.storing(21*second, store{})
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"14s holding true",
				"14s #1 BreakerOpened us-east Status503",
				"17s #2 BreakerOpened eu-west Status503",
				"20.1s write",
				"20.3s holding false",
				"21.3s switch Refused",
				"21.3s SwitchNotDone",
				"21.3s holding true",
			},
		},
		{
			name: "the active region recovers while the failover away from it is stored in vain: the switch begins at once",
			script: func(w *world) {
				w.storing(11*second, store{fails: true})
				w.traffic(12*second, "us-east", 5, status(503))
				w.switches(13*second, "1", "us-east")
				w.storing(73*second, store{})
			},
			until: 80 * second,
			want: []string{
				"0s first us-east",
				"73s switch Pinned",
				"73s RegionPinned",
			},
		},
		{
			name: "in mode Disabled a switch acts as well",
			script: func(w *world) {
				w.config.Mode = Disabled
				w.switches(12*second, "1", "eu-west")
			},
			until: 300 * second,
			want: []string{
				"0s first us-east",
				"12s #1 SwitchedOver us-east>eu-west Requested",
				"12s switch Switched",
			},
		},
	})
}

// A person who is refused must be able to read why.
func TestSwitchMessages(t *testing.T) {
	tests := []struct {
		name, to string
		script   func(w *world)
		want     string
	}{
		{
			name: "unknown region", to: "mars", script: func(*world) {},
			want: `switch refused: the spec has no region "mars"; write the name of one that it has`,
		},
		{
			name: "held region", to: "eu-west",
			script: func(w *world) { w.traffic(11*second, "eu-west", 1, limited(time.Hour)) },
			want:   "switch refused: region eu-west asked to be left alone until 2026-11-23T11:00:11Z",
		},
		{
			name: "failing active region", to: "us-east",
			script: bothDown,
			want:   "switch refused: region us-east is active already, and failing",
		},
		{
			name: "failing target", to: "eu-west",
			script: func(w *world) { w.responds(11*second, "eu-west", fault(TLSError)) },
			want:   "switch to region eu-west failed: its probe answered TLSError",
		},
		{
			name: "active region", to: "us-east", script: func(*world) {},
			want: "region us-east is active already and is pinned now: no failback leaves it",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, config("us-east", "eu-west"))
			tt.script(w)
			w.switches(20*second, "1", tt.to)
			w.run(30 * second)
			if diff := cmp.Diff([]string{tt.want}, w.messages); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}
