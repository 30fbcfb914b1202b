// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// laddered has probes of both regions ask more when they are not routine.
func laddered(w *world) {
	for i := range w.config.Regions {
		w.config.Regions[i].Probe.Ladder = true
	}
}

// Where probes climb, what they are asked above decides.
func TestLadder(t *testing.T) {
	runAll(t, []scenario{
		{
			name: "while nothing is suspected, nobody asks above",
			script: func(w *world) {
				laddered(w)
				w.respondsAbove(0, "us-east", status(503))
			},
			until: 300 * second,
			want:  []string{"0s first us-east"},
		},
		{
			name: "one failure that real traffic saw is enough to find out",
			script: func(w *world) {
				laddered(w)
				w.respondsAbove(0, "us-east", fault(StreamError))
				w.traffic(12*second, "us-east", 1, status(503))
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"15s #1 BreakerOpened us-east StreamError",
				"15s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "a routine probe under way does not end a suspicion, nor is its failure count set to 0",
			script: func(w *world) {
				laddered(w)
				w.respondsAbove(0, "us-east", fault(StreamError))
				w.responds(15*second, "us-east", slow(200, 500*ms))
				w.traffic(15100*ms, "us-east", 3, status(503))
				w.responds(15200*ms, "us-east", status(200))
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"17s #1 BreakerOpened us-east StreamError",
				"17s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "no failover to a region that fails above, nor on a routine success",
			script: func(w *world) {
				laddered(w)
				w.respondsAbove(0, "eu-west", fault(StreamError))
				w.traffic(12*second, "us-east", 5, status(503))
				w.respondsAbove(30*second, "eu-west", status(200))
			},
			until: 31 * second,
			want: []string{
				"0s first us-east",
				"12s holding true",
				"12s #1 BreakerOpened us-east Status503",
				"15s #2 BreakerOpened eu-west StreamError",
				"30s #3 BreakerClosed eu-west Recovered",
				"30s #4 FailedOver us-east>eu-west BreakerOpen",
				"30s holding false",
			},
		},
		{
			name: "a trial climbs, and so does the probe of a failback",
			script: func(w *world) {
				laddered(w)
				w.config.MinDuration = 130 * second
				w.respondsAbove(0, "us-east", fault(StreamError))
				w.traffic(12*second, "us-east", 5, status(503))
				w.respondsAbove(100*second, "us-east", status(200)) // after a trial at 72 s that has failed
				w.respondsAbove(140*second, "us-east", status(503)) // after one that has not
				w.respondsAbove(150*second, "us-east", status(200))
			},
			until: 200 * second,
			want: []string{
				"0s first us-east",
				"12s #1 BreakerOpened us-east Status503",
				"12s #2 FailedOver us-east>eu-west BreakerOpen",
				"72s write",
				"132s #3 BreakerClosed us-east Recovered",
				"152s #4 FailedBack eu-west>us-east PreferredRegionHealthy",
			},
		},
		{
			name: "404 above says nothing, as long as only what is below has succeeded",
			script: func(w *world) {
				laddered(w)
				w.respondsAbove(0, "us-east", status(404))
				w.traffic(12*second, "us-east", 1, status(503))
			},
			until: 300 * second,
			want:  []string{"0s first us-east"},
		},
	})
}

// What each probe is made for.
func TestPurposes(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	w.traffic(7*second, "us-east", 1, status(503))
	w.responds(9*second, "us-east", status(503))
	w.confirm(9 * second)
	w.traffic(12500*ms, "us-east", 5, status(503))
	w.responds(60*second, "us-east", status(200))
	w.config.MinDuration = 62 * second
	w.run(78 * second)
	var got []string
	for _, p := range w.probed {
		if p.Purpose != Routine {
			got = append(got, fmt.Sprintf("%s %s %d", inSeconds(p.At), p.Region, p.Purpose))
		}
	}
	want := []string{
		fmt.Sprintf("7s us-east %d", Suspicion),
		fmt.Sprintf("12s us-east %d", Commit),
		fmt.Sprintf("12.5s eu-west %d", Commit),
		fmt.Sprintf("72.5s us-east %d", Trial),
		fmt.Sprintf("74.5s us-east %d", Failback),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("purposes (-want +got):\n%s\n%s", diff, strings.Join(w.log, "\n"))
	}
}
