// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// leavesAt14 makes the primary fail and the secondary take over at 14 s. The primary's window ends at 14 s + open.
func leavesAt14(w *world, open time.Duration) {
	w.config.Regions[0].Breaker.OpenDuration = open
	w.responds(10*second, "us-east", status(503))
}

func afterLeaving(lines ...string) []string {
	return append([]string{
		"0s first us-east",
		"14s #1 BreakerOpened us-east Status503",
		"14s #2 FailedOver us-east>eu-west BreakerOpen",
	}, lines...)
}

func TestFailback(t *testing.T) {
	runAll(t, []scenario{
		{
			name: "recovered early: deferred to the exact end of minDuration",
			script: func(w *world) {
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", status(200))
			},
			until: 120 * second,
			want: afterLeaving(
				"24s #3 BreakerClosed us-east Recovered",
				"44s #4 FailedBack eu-west>us-east PreferredRegionHealthy",
			),
		},
		{
			name: "recovered late: the success that closes the breaker counts",
			script: func(w *world) {
				leavesAt14(w, 40*second)
				w.responds(15*second, "us-east", status(200))
			},
			until: 120 * second,
			want: afterLeaving(
				"54s #3 BreakerClosed us-east Recovered",
				"54s #4 FailedBack eu-west>us-east PreferredRegionHealthy",
			),
		},
		{
			name: "0s: at once",
			script: func(w *world) {
				w.config.MinDuration = 0
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", slow(200, 70*ms))
			},
			until: 120 * second,
			want: afterLeaving(
				"24.07s #3 BreakerClosed us-east Recovered",
				"24.07s #4 FailedBack eu-west>us-east PreferredRegionHealthy",
			),
		},
		{
			name: "a success from before it is due is not enough",
			script: func(w *world) {
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", status(200))
				w.responds(43500*ms, "us-east", slow(200, 1200*ms))
			},
			until: 120 * second,
			want: afterLeaving(
				"24s #3 BreakerClosed us-east Recovered",
				"45.2s #4 FailedBack eu-west>us-east PreferredRegionHealthy",
			),
		},
		{
			name: "the probe at that moment fails: again every period, and any later success counts",
			script: func(w *world) {
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", status(200))
				w.responds(43*second, "us-east", status(503))
				w.responds(50*second, "us-east", status(200))
			},
			until: 120 * second,
			want: afterLeaving(
				"24s #3 BreakerClosed us-east Recovered",
				"54s #4 FailedBack eu-west>us-east PreferredRegionHealthy",
			),
		},
		{
			name: "the primary died again meanwhile: it stays, until the next recovery",
			script: func(w *world) {
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", status(200))
				w.traffic(40*second, "us-east", 5, status(503))
			},
			until: 49 * second,
			want: afterLeaving(
				"24s #3 BreakerClosed us-east Recovered",
				"40s #4 BreakerOpened us-east Status503",
			),
		},
		{
			name: "the primary dies while the failback is probed: no commit",
			script: func(w *world) {
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", status(200))
				w.responds(43500*ms, "us-east", slow(200, second))
				w.traffic(44500*ms, "us-east", 5, status(503))
			},
			until: 53 * second,
			want: afterLeaving(
				"24s #3 BreakerClosed us-east Recovered",
				"44.5s #4 BreakerOpened us-east Status503",
			),
		},
		{
			name: "Manual: never",
			script: func(w *world) {
				w.config.ManualFailback = true
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", status(200))
			},
			until: 4000 * second,
			want:  afterLeaving("24s #3 BreakerClosed us-east Recovered"),
		},
		{
			name: "Manual set while it is probed: no commit",
			script: func(w *world) {
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", slow(200, 100*ms))
				w.edit(44050*ms, func(c *Config) { c.ManualFailback = true })
			},
			until: 100 * second,
			want:  afterLeaving("24.1s #3 BreakerClosed us-east Recovered"),
		},
		{
			name: "paused when due: carried out when the pause ends",
			script: func(w *world) {
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", status(200))
				w.order(40*second, func(o *Orders) { o.Paused, o.PausedUntil = true, w.clock().Add(7*second) })
			},
			until: 100 * second,
			want: afterLeaving(
				"24s #3 BreakerClosed us-east Recovered",
				"47s #4 FailedBack eu-west>us-east PreferredRegionHealthy",
			),
		},
		{
			name: "a longer minDuration is obeyed at once",
			script: func(w *world) {
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", status(200))
				w.edit(40*second, func(c *Config) { c.MinDuration = time.Minute })
			},
			until: 100 * second,
			want: afterLeaving(
				"24s #3 BreakerClosed us-east Recovered",
				"74s #4 FailedBack eu-west>us-east PreferredRegionHealthy",
			),
		},
		{
			name: "a restart does not bring it forward",
			script: func(w *world) {
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", status(200))
				w.restart(40*second+1234567, 0)
			},
			until: 100 * second,
			want: afterLeaving(
				"24s #3 BreakerClosed us-east Recovered",
				"44s #4 FailedBack eu-west>us-east PreferredRegionHealthy",
			),
		},
		{
			name: "a clock that stepped back does not bring it forward",
			script: func(w *world) {
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", status(200))
				w.restart(40*second, -time.Hour)
			},
			until: 100 * second,
			want: afterLeaving(
				"24s #3 BreakerClosed us-east Recovered",
				"70s #4 FailedBack eu-west>us-east PreferredRegionHealthy",
			),
		},
		{
			name:    "to the most preferred region whose breaker is Closed, step by step",
			regions: []string{"us-east", "eu-west", "local"},
			script: func(w *world) {
				leavesAt14(w, 100*second)
				w.config.Regions[1].Breaker.OpenDuration = 10 * second
				w.traffic(15*second, "eu-west", 5, status(503))
				w.responds(16*second, "us-east", status(200))
			},
			until: 200 * second,
			want: afterLeaving(
				"15s #3 BreakerOpened eu-west Status503",
				"15s #4 FailedOver eu-west>local BreakerOpen",
				"25s #5 BreakerClosed eu-west Recovered",
				"45s #6 FailedBack local>eu-west PreferredRegionHealthy",
				"114s #7 BreakerClosed us-east Recovered",
				"114s #8 FailedBack eu-west>us-east PreferredRegionHealthy",
			),
		},
		{
			name:    "an endpoint that may not be used is passed over",
			regions: []string{"us-east", "eu-west", "local"},
			script: func(w *world) {
				w.responds(0, "us-east", fault(ClusterIPEndpoint))
				w.switches(10*second, "1", "local")
				w.resets(11*second, "1")
				w.traffic(12*second, "us-east", 5, status(503))
				w.traffic(12*second, "eu-west", 5, status(503))
				w.edit(20*second, func(c *Config) { c.Regions[0].Identity = "elsewhere" })
			},
			until: 100 * second,
			want: []string{
				"0s first us-east",
				"10s #1 SwitchedOver us-east>local Requested",
				"10s switch Switched",
				"11s #2 Reset local>us-east Requested",
				"12s #3 BreakerOpened us-east Status503",
				"12s #4 BreakerOpened eu-west Status503",
				"12s #5 FailedOver us-east>local BreakerOpen",
				"20s #6 BreakerClosed us-east EndpointChanged",
				"72s #7 BreakerClosed eu-west Recovered",
				"72s #8 FailedBack local>eu-west PreferredRegionHealthy",
			},
		},
		{
			name: "the active region dies while the failback is probed: a failover takes its place",
			script: func(w *world) {
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", status(200))
				w.responds(43500*ms, "us-east", slow(200, 100*ms))
				w.traffic(44050*ms, "eu-west", 5, status(503))
			},
			until: 60 * second,
			want: afterLeaving(
				"24s #3 BreakerClosed us-east Recovered",
				"44.15s #4 BreakerOpened eu-west Status503",
				"44.15s #5 FailedOver eu-west>us-east BreakerOpen",
			),
		},
	})
}

// In mode OnDemand nothing is probed on the period, so that a failback that is due must ask.
func TestFailbackOnDemand(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	for i := range w.config.Regions {
		w.config.Regions[i].Probe.OnDemand = true
	}
	w.config.Regions[0].Breaker.OpenDuration = 10 * second
	w.traffic(14*second, "us-east", 5, status(503))
	w.responds(43*second, "us-east", status(503))
	w.responds(50*second, "us-east", status(200))
	w.run(100 * second)
	w.want(afterLeaving(
		"24s #3 BreakerClosed us-east Recovered",
		"54s #4 FailedBack eu-west>us-east PreferredRegionHealthy",
	)...)
	if diff := cmp.Diff("24s 44s 49s 54s", w.probes("us-east", 0)); diff != "" {
		t.Errorf("probes (-want +got):\n%s", diff)
	}
}

// Times in memory are monotonic: a wall clock that is stepped while the operator runs moves no deadline.
func TestMemoryIsMonotonic(t *testing.T) {
	now := time.Now()
	m := &Machine{}
	m.Observe(now, Input{UID: "uid", Config: config("us-east", "eu-west")})
	m.Settle(m.Plan(now))
	for range 5 {
		m.Traffic(now, "us-east", outcome(Response{Status: 503}))
	}
	rec := m.record
	rec.ActiveRegion, rec.Regions[0] = "eu-west", m.regions[0].record()
	m.Observe(now, Input{UID: "uid", Config: config("us-east", "eu-west"), Record: rec})
	for what, at := range map[string]time.Time{
		"since":     m.since,
		"openUntil": m.regions[0].breaker.openUntil,
		"due":       m.regions[1].due,
	} {
		if at == at.Round(0) {
			t.Errorf("%s has lost its monotonic reading", what)
		}
	}
}

// An endpoint that may not be used is no target. When it may, after a change of DNS for example, it is one again,
// in mode OnDemand too.
func TestFailbackToWhatMayBeUsedAgain(t *testing.T) {
	for _, onDemand := range []bool{false, true} {
		w := newWorld(t, config("us-east", "eu-west", "local"))
		for i := range w.config.Regions {
			w.config.Regions[i].Probe.OnDemand = onDemand
		}
		w.responds(0, "eu-west", fault(AddressFamily))
		w.edit(12*second, func(c *Config) { c.Regions = c.Regions[1:] })
		w.responds(60*second, "eu-west", status(200))
		w.run(100 * second)
		moved := w.log[len(w.log)-1]
		if !strings.HasSuffix(moved, "FailedBack local>eu-west PreferredRegionHealthy") {
			t.Errorf("onDemand %v: it ends with %q", onDemand, moved)
		}
	}
}
