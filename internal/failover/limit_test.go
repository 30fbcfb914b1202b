// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hourly allows n failovers in an hour, with failbacks at once.
func hourly(w *world, n int) {
	w.config.MaxPerHour = n
	w.config.MinDuration = 0
}

// failsBriefly has real traffic see that a region fails, and a trial a second later that it serves again.
func (w *world) failsBriefly(at time.Duration, region string) {
	for i := range w.config.Regions {
		w.config.Regions[i].Breaker.OpenDuration = time.Second
	}
	w.traffic(at, region, 5, status(503))
}

// twice has us-east fail at 10 s and at 20 s, and so uses up two failovers.
func twice(w *world) {
	hourly(w, 2)
	w.failsBriefly(10*second, "us-east")
	w.failsBriefly(20*second, "us-east")
}

func afterTwice(lines ...string) []string {
	return append([]string{
		"0s first us-east",
		"10s #1 BreakerOpened us-east Status503",
		"10s #2 FailedOver us-east>eu-west BreakerOpen",
		"11s #3 BreakerClosed us-east Recovered",
		"11s #4 FailedBack eu-west>us-east PreferredRegionHealthy",
		"20s #5 BreakerOpened us-east Status503",
		"20s #6 FailedOver us-east>eu-west BreakerOpen",
		"21s #7 BreakerClosed us-east Recovered",
	}, lines...)
}

func TestMaxPerHour(t *testing.T) {
	runAll(t, []scenario{
		{
			name:   "the last one is not undone before there is another one: then with fresh evidence, to the second",
			script: twice,
			until:  2 * time.Hour,
			want: afterTwice(
				"3610s #8 FailedBack eu-west>us-east PreferredRegionHealthy",
			),
		},
		{
			name: "no evidence when the limit ends: again every period",
			script: func(w *world) {
				twice(w)
				w.responds(3609*second, "us-east", status(503))
				w.responds(3612*second, "us-east", status(200))
			},
			until: 2 * time.Hour,
			want: afterTwice(
				"3615s #8 FailedBack eu-west>us-east PreferredRegionHealthy",
			),
		},
		{
			name: "used up, and the active region fails: traffic stays until the limit ends, and goes on fresh evidence",
			script: func(w *world) {
				twice(w)
				w.traffic(30*second, "eu-west", 1, limited(2*time.Hour))
				w.responds(3609*second, "us-east", slow(200, 100*ms))
			},
			until: 3650 * second,
			want: afterTwice(
				"30s #8 BreakerOpened eu-west RateLimited",
				"3610.1s #9 FailedOver eu-west>us-east BreakerOpen",
			),
		},
		{
			name: "nobody else answers when the limit ends: a hold",
			script: func(w *world) {
				twice(w)
				w.traffic(25*second, "us-east", 1, limited(2*time.Hour))
				w.traffic(25*second, "eu-west", 1, limited(2*time.Hour))
			},
			until: 3650 * second,
			want: afterTwice(
				"25s #8 BreakerOpened us-east RateLimited",
				"25s #9 BreakerOpened eu-west RateLimited",
				"3610s holding true",
			),
		},
		{
			name: "a switch is not limited, and the count begins anew after it",
			script: func(w *world) {
				twice(w)
				w.switches(30*second, "1", "us-east")
				w.failsBriefly(40*second, "us-east")
			},
			until: 60 * second,
			want: afterTwice(
				"30s #8 SwitchedOver eu-west>us-east Requested",
				"30s switch Switched",
				"40s #9 BreakerOpened us-east Status503",
				"40s #10 FailedOver us-east>eu-west BreakerOpen",
				"41s #11 BreakerClosed us-east Recovered",
				"41s #12 FailedBack eu-west>us-east PreferredRegionHealthy",
			),
		},
		{
			name: "a reset neither",
			script: func(w *world) {
				twice(w)
				w.resets(30*second, "1")
				w.failsBriefly(40*second, "us-east")
			},
			until: 40 * second,
			want: afterTwice(
				"30s #8 Reset eu-west>us-east Requested",
				"40s #9 BreakerOpened us-east Status503",
				"40s #10 FailedOver us-east>eu-west BreakerOpen",
			),
		},
		{
			name: "nor after a restart",
			script: func(w *world) {
				twice(w)
				w.resets(30*second, "1")
				w.restart(35*second, 0)
				w.failsBriefly(40*second, "us-east")
			},
			until: 40 * second,
			want: afterTwice(
				"30s #8 Reset eu-west>us-east Requested",
				"40s #9 BreakerOpened us-east Status503",
				"40s #10 FailedOver us-east>eu-west BreakerOpen",
			),
		},
		{
			name:    "a region that was removed is left at once, and that does not count",
			regions: []string{"us-east", "eu-west", "local"},
			script: func(w *world) {
				hourly(w, 1)
				w.config.ManualFailback = true
				w.failsBriefly(10*second, "us-east")
				w.edit(20*second, func(c *Config) { c.Regions = append(c.Regions[:1:1], c.Regions[2]) })
			},
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"10s #1 BreakerOpened us-east Status503",
				"10s #2 FailedOver us-east>eu-west BreakerOpen",
				"11s #3 BreakerClosed us-east Recovered",
				"20s write", // the regions of the spec
				"20s #4 FailedOver eu-west>us-east ActiveRegionRemoved",
			},
		},
		{
			name: "a higher limit, or none, lets traffic go at once",
			script: func(w *world) {
				twice(w)
				w.traffic(30*second, "eu-west", 1, limited(2*time.Hour))
				w.edit(50*second, func(c *Config) { c.MaxPerHour = 3 })
			},
			until: 60 * second,
			want: afterTwice(
				"30s #8 BreakerOpened eu-west RateLimited",
				"50s #9 FailedOver eu-west>us-east BreakerOpen",
			),
		},
		{
			name: "after a restart it ends when it ended before",
			script: func(w *world) {
				twice(w)
				w.restart(100*second, 0)
			},
			until: 2 * time.Hour,
			want: afterTwice(
				"3610s #8 FailedBack eu-west>us-east PreferredRegionHealthy",
			),
		},
		{
			name: "a clock that stepped back by a day at a restart: an hour from there",
			script: func(w *world) {
				twice(w)
				w.restart(100*second, -24*time.Hour)
			},
			until: 2 * time.Hour,
			want: afterTwice(
				"3700s #8 FailedBack eu-west>us-east PreferredRegionHealthy",
			),
		},
	})
}

// What a person reads of it, and when that has to be written.
func TestLimitIsShown(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	twice(w)
	until := func() time.Duration {
		v := w.machine.View(w.clock())
		if v.LimitedUntil.IsZero() {
			return 0
		}
		return v.LimitedUntil.Sub(epoch())
	}
	var got []time.Duration
	for _, at := range []time.Duration{19 * second, 20 * second, 3609 * second, 3610 * second} {
		w.run(at)
		got = append(got, until())
	}
	if diff := cmp.Diff([]time.Duration{0, 3610 * second, 3610 * second, 0}, got); diff != "" {
		t.Errorf("LimitedUntil (-want +got):\n%s", diff)
	}

	w = newWorld(t, config("us-east", "eu-west"))
	twice(w)
	w.config.ManualFailback = true
	w.switches(15*second, "1", "us-east")
	w.config.MaxPerHour = 1
	w.run(60 * second)
	plans := w.plans
	w.run(3600 * second)
	if w.plans != plans {
		t.Errorf("%d plans while the limit lasts, want none", w.plans-plans)
	}
	w.restart(3601*second, 0)
	w.run(3602 * second)
	if got := until(); got != 3620*second {
		t.Errorf("LimitedUntil after a restart is %v, want 3620s", got)
	}
	plans = w.plans
	w.run(2 * time.Hour)
	if w.plans != plans+1 {
		t.Errorf("%d plans when the limit ends, want 1", w.plans-plans)
	}
}
