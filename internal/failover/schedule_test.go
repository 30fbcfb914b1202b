// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// When regions are probed.
func TestSchedule(t *testing.T) {
	tests := []struct {
		name           string
		script         func(w *world)
		until          time.Duration
		usEast, euWest string
	}{
		{
			name:   "every period",
			script: func(*world) {},
			until:  20 * second,
			usEast: "0s 5s 10s 15s 20s",
			euWest: "0s 5s 10s 15s 20s",
		},
		{
			name: "the first probe is spread",
			script: func(w *world) {
				w.config.Regions[1].Probe.FirstAfter = 1700 * ms
			},
			until:  20 * second,
			usEast: "0s 5s 10s 15s 20s",
			euWest: "1.7s 6.7s 11.7s 16.7s",
		},
		{
			name: "suspectPeriod after a failure of the active region, not of another",
			script: func(w *world) {
				w.responds(5*second, "us-east", status(503))
				w.responds(5*second, "eu-west", status(503))
				w.responds(8*second, "us-east", status(200))
			},
			until:  20 * second,
			usEast: "0s 5s 6s 7s 8s 13s 18s",
			euWest: "0s 5s 10s 15s 20s",
		},
		{
			name: "a 429 without Retry-After is a failure as well",
			script: func(w *world) {
				w.responds(5*second, "us-east", status(429))
				w.responds(7*second, "us-east", status(200))
			},
			until:  12 * second,
			usEast: "0s 5s 6s 7s 12s",
			euWest: "0s 5s 10s",
		},
		{
			name: "a probe that takes longer than suspectPeriod is followed at its end",
			script: func(w *world) {
				w.responds(5*second, "us-east", hangs())
				w.responds(12*second, "us-east", status(200))
			},
			until:  20 * second,
			usEast: "0s 5s 8s 11s 14s 19s",
			euWest: "0s 5s 10s 15s 20s",
		},
		{
			name: "a failure that real traffic saw makes it suspect, a success no longer",
			script: func(w *world) {
				w.traffic(7*second, "us-east", 1, status(503))
				w.responds(5*second, "us-east", slow(200, 100*ms))
				w.traffic(11*second, "us-east", 1, status(503))
				w.traffic(11500*ms, "us-east", 1, status(200))
			},
			until:  17 * second,
			usEast: "0s 5s 7s 11s 16.5s",
			euWest: "0s 5s 10s 15s",
		},
		{
			name: "real traffic that succeeds puts off the next probe, for ten periods at most",
			script: func(w *world) {
				for at := 7 * second; at < 70*second; at += second {
					w.traffic(at, "us-east", 1, status(200))
				}
			},
			until:  80 * second,
			usEast: "0s 5s 55s 74s 79s",
			euWest: "0s 5s 10s 15s 20s 25s 30s 35s 40s 45s 50s 55s 60s 65s 70s 75s 80s",
		},
		{
			name: "real traffic that succeeds puts off no probe that is to confirm what is published, nor a trial",
			script: func(w *world) {
				w.config.Regions[0].Probe.OnDemand = true
				w.confirm(7 * second)
				w.responds(0, "us-east", status(401))
				w.traffic(8*second, "us-east", 1, status(200))
				w.responds(11*second, "us-east", status(200))
				w.config.Regions[1].Breaker.OpenDuration = 10 * second
				w.traffic(6*second, "eu-west", 5, status(503))
				w.traffic(15*second, "eu-west", 1, status(200))
			},
			until:  20 * second,
			usEast: "7s 12s",
			euWest: "0s 5s 16s",
		},
		{
			name: "one at a time, whatever it takes",
			script: func(w *world) {
				w.timeouts["eu-west"] = time.Minute
				w.responds(5*second, "eu-west", slow(200, 12*second))
				w.responds(6*second, "eu-west", status(200))
			},
			until:  25 * second,
			usEast: "0s 5s 10s 15s 20s 25s",
			euWest: "0s 5s 17s 22s",
		},
		{
			name: "OnDemand: not on the period",
			script: func(w *world) {
				w.config.Regions[0].Probe.OnDemand = true
			},
			until:  20 * second,
			usEast: "",
			euWest: "0s 5s 10s 15s 20s",
		},
		{
			name: "OnDemand, to be confirmed: as in mode Active until it succeeds",
			script: func(w *world) {
				w.config.Regions[0].Probe.OnDemand = true
				w.responds(0, "us-east", status(503))
				w.confirm(7 * second)
				w.responds(8500*ms, "us-east", status(200))
			},
			until:  20 * second,
			usEast: "7s 8s 9s",
			euWest: "0s 5s 10s 15s 20s",
		},
		{
			name: "OnDemand, to be confirmed: no longer when another region is active",
			script: func(w *world) {
				w.config.Regions[0].Probe.OnDemand = true
				w.responds(0, "us-east", status(401))
				w.confirm(7 * second)
				w.order(8500*ms, func(o *Orders) { o.Switch, o.SwitchTo = "1", "eu-west" })
			},
			until:  20 * second,
			usEast: "7s",
			euWest: "0s 5s 8.5s 13.5s 18.5s",
		},
		{
			name: "not while the breaker is open; then trials, suspectPeriod apart",
			script: func(w *world) {
				w.config.Regions[1].Breaker.SuccessThreshold = 3
				w.config.Regions[1].Breaker.OpenDuration = 10 * second
				w.traffic(7*second, "eu-west", 5, status(503))
				w.responds(7*second, "eu-west", slow(200, 100*ms))
			},
			until:  30 * second,
			usEast: "0s 5s 10s 15s 20s 25s 30s",
			euWest: "0s 5s 17s 18s 19s 24s 29s",
		},
		{
			name: "one trial at a time, each opens the breaker again for openDuration from its answer",
			script: func(w *world) {
				w.config.Regions[1].Breaker.OpenDuration = 2 * second
				w.traffic(7*second, "eu-west", 5, status(503))
				w.responds(7*second, "eu-west", hangs())
			},
			until:  20 * second,
			usEast: "0s 5s 10s 15s 20s",
			euWest: "0s 5s 9s 14s 19s",
		},
		{
			name: "the trial comes even if a probe of before still hangs",
			script: func(w *world) {
				w.config.Regions[1].Breaker.OpenDuration = second
				w.responds(5*second, "eu-west", hangs())
				w.traffic(6*second, "eu-west", 5, status(503))
				w.responds(6*second, "eu-west", status(200))
			},
			until:  15 * second,
			usEast: "0s 5s 10s 15s",
			euWest: "0s 5s 7s 12s",
		},
		{
			name: "a shorter period is obeyed at once",
			script: func(w *world) {
				w.config.Regions[0].Probe.Period = time.Hour
				w.edit(7*second, func(c *Config) { c.Regions[0].Probe.Period = 2 * second })
			},
			until:  12 * second,
			usEast: "0s 9s 11s",
			euWest: "0s 5s 10s",
		},
		{
			name: "another endpoint is probed at once",
			script: func(w *world) {
				w.edit(7*second, func(c *Config) { c.Regions[1].Identity = "elsewhere" })
			},
			until:  12 * second,
			usEast: "0s 5s 10s",
			euWest: "0s 5s 7s 12s",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, config("us-east", "eu-west"))
			tt.script(w)
			w.run(tt.until)
			got := []string{w.probes("us-east", 0), w.probes("eu-west", 0)}
			if diff := cmp.Diff([]string{tt.usEast, tt.euWest}, got); diff != "" {
				t.Errorf("probes (-want +got):\n%s", diff)
			}
		})
	}
}

// Within one instant: trials, then hold rounds, then scheduled probes; the active region first.
func TestOrderWithinAnInstant(t *testing.T) {
	w := newWorld(t, config("a", "b", "c", "d"))
	w.switches(5*second, "1", "c")
	w.config.Regions[3].Breaker.OpenDuration = 8 * second
	w.traffic(2*second, "d", 5, status(503))
	w.run(10 * second)
	var got []string
	for _, p := range w.probed {
		if p.At == 10*second {
			got = append(got, p.Region)
		}
	}
	if diff := cmp.Diff([]string{"d", "c", "a", "b"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// Steady state: nothing is stored and nothing is reported, over any number of periods.
func TestSteadyState(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west", "local"))
	w.responds(0, "local", status(401))
	w.run(60 * second)
	writes, plans := w.writes, w.plans
	w.run(24 * time.Hour)
	if w.writes != writes || w.plans != plans {
		t.Errorf("%d writes and %d plans in a day at rest", w.writes-writes, w.plans-plans)
	}
	if want := 3 * (24*3600/5 + 1); len(w.probed) != want {
		t.Errorf("%d probes in a day, want %d", len(w.probed), want)
	}
}

// A long outage: the only writes are those of windows that failed trials have moved.
func TestLongOutage(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	bothDown(w)
	w.run(20 * second)
	writes := w.writes
	w.responds(100*second, "eu-west", limited(3*second))
	w.run(620 * second)
	if want := 2 * 10; w.writes-writes != want {
		t.Errorf("%d writes in ten minutes of outage, want %d", w.writes-writes, want)
	}
}

// The codes that are only sometimes a failure, and answers that cannot be read.
func TestProbeAnswers(t *testing.T) {
	runAll(t, []scenario{
		{
			name: "404 after a success: the route behind it is gone",
			script: func(w *world) {
				w.responds(10*second, "us-east", status(404))
			},
			until: 20 * second,
			want: []string{
				"0s first us-east",
				"14s #1 BreakerOpened us-east Status404",
				"14s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name:   "404 from the beginning says nothing",
			script: func(w *world) { w.responds(0, "us-east", status(404)) },
			until:  300 * second,
			want:   []string{"0s first us-east"},
		},
		{
			name: "404 that real traffic sees says nothing",
			script: func(w *world) {
				w.traffic(12*second, "us-east", 100, status(404))
			},
			until: 300 * second,
			want:  []string{"0s first us-east"},
		},
		{
			name: "404 after a change of the probe says nothing",
			script: func(w *world) {
				w.responds(10*second, "us-east", status(404))
				w.edit(10*second, func(c *Config) { c.Regions[0].Identity = "another path" })
			},
			until: 300 * second,
			want:  []string{"0s first us-east"},
		},
		{
			name: "an unknown region is never switched to, and unknown is no reason to switch",
			script: func(w *world) {
				w.responds(10*second, "us-east", fault(ResolverUnavailable))
				w.responds(10*second, "eu-west", fault(NotMade))
				w.traffic(100*second, "us-east", 5, status(503))
			},
			until: 150 * second,
			want: []string{
				"0s first us-east",
				"100s holding true",
				"100s #1 BreakerOpened us-east Status503",
			},
		},
	})
}

// View says which regions have given no readable answer for as many probes as would open a breaker.
func TestInconclusive(t *testing.T) {
	w := newWorld(t, config("us-east"))
	w.responds(5*second, "us-east", status(401))
	w.responds(30*second, "us-east", status(200))
	for _, tt := range []struct {
		at   time.Duration
		want bool
	}{{20 * second, false}, {25 * second, true}, {30 * second, false}} {
		w.run(tt.at)
		if got := w.machine.View(w.clock()).Inconclusive[0]; got != tt.want {
			t.Errorf("at %v: Inconclusive = %v, want %v", tt.at, got, tt.want)
		}
	}
}
