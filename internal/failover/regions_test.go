// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What happens to the active region when the spec changes.
func TestRegionsChange(t *testing.T) {
	rename := func(i int, name string) func(c *Config) {
		return func(c *Config) { c.Regions[i].Name, c.Regions[i].Identity = name, name }
	}
	runAll(t, []scenario{
		{
			name: "removed: the most preferred that answers takes over, and it is FailedOver",
			script: func(w *world) {
				w.edit(12*second, func(c *Config) { c.Regions = c.Regions[1:] })
			},
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"12s write", // the list of regions
				"12s #1 FailedOver us-east>eu-west ActiveRegionRemoved",
			},
		},
		{
			name: "removed, and nobody answers: it stays, then the first that answers takes over",
			script: func(w *world) {
				w.responds(10*second, "eu-west", status(503))
				w.edit(12*second, func(c *Config) { c.Regions = c.Regions[1:] })
				w.responds(20500*ms, "eu-west", status(200))
			},
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"12s write",
				"12s holding true",
				"14s #1 BreakerOpened eu-west Status503",
				"21s #2 BreakerClosed eu-west Recovered",
				"21s #3 FailedOver us-east>eu-west ActiveRegionRemoved",
				"21s holding false",
			},
		},
		{
			name: "renamed: a removal and an addition",
			script: func(w *world) {
				w.responds(11*second, "us-east-1", slow(200, 100*ms))
				w.edit(12*second, rename(0, "us-east-1"))
			},
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"12s write",
				"12.1s #1 FailedOver us-east>us-east-1 ActiveRegionRemoved",
			},
		},
		{
			name: "removed and back before anything answered: nothing moves",
			script: func(w *world) {
				w.responds(11*second, "eu-west", slow(200, second))
				w.responds(11*second, "us-east-1", slow(200, second))
				w.edit(12*second, rename(0, "us-east-1"))
				w.edit(12500*ms, rename(0, "us-east"))
			},
			until: 60 * second,
			want:  []string{"0s first us-east", "12s write", "12.5s write"},
		},
		{
			name: "removed ends a pin",
			script: func(w *world) {
				w.switches(10*second, "1", "eu-west")
				w.edit(12*second, func(c *Config) { c.Regions = c.Regions[:1] })
				w.edit(20*second, func(c *Config) { c.Regions = config("us-east", "eu-west").Regions })
				w.traffic(30*second, "us-east", 5, status(503))
			},
			until: 31 * second,
			want: []string{
				"0s first us-east",
				"10s #1 SwitchedOver us-east>eu-west Requested",
				"10s switch Switched",
				"12s write",
				"12s #2 FailedOver eu-west>us-east ActiveRegionRemoved",
				"20s write",
				"30s #3 BreakerOpened us-east Status503",
				"30s #4 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "reordered: the new primary is gone back to after minDuration",
			script: func(w *world) {
				w.edit(12*second, func(c *Config) { slices.Reverse(c.Regions) })
			},
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"12s write",
				"30s #1 FailedBack us-east>eu-west PreferredRegionHealthy",
			},
		},
		{
			name: "re-addressed while it is well: nothing moves, nothing is written",
			script: func(w *world) {
				w.edit(12*second, func(c *Config) { c.Regions[0].Identity = "elsewhere" })
			},
			until: 60 * second,
			want:  []string{"0s first us-east"},
		},
		{
			name: "re-addressed while it fails: Closed and unknown again",
			script: func(w *world) {
				bothDown(w)
				w.edit(20*second, func(c *Config) { c.Regions[0].Identity = "elsewhere" })
				w.responds(20*second, "us-east", status(200))
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"14s holding true",
				"14s #1 BreakerOpened us-east Status503",
				"17s #2 BreakerOpened eu-west Status503",
				"20s holding false",
				"20s #3 BreakerClosed us-east EndpointChanged",
			},
		},
		{
			name: "re-addressed: failures of probes to the old address are discarded, those to the new count",
			script: func(w *world) {
				w.responds(10*second, "us-east", slow(503, 2*second))
				w.traffic(11*second, "us-east", 4, status(503))
				w.edit(11500*ms, func(c *Config) { c.Regions[0].Identity = "elsewhere" })
				w.responds(11500*ms, "us-east", status(503))
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"15.5s #1 BreakerOpened us-east Status503",
				"15.5s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "removed and added again with an open breaker, in one step and unseen: Closed",
			script: func(w *world) {
				w.traffic(12*second, "eu-west", 5, status(503))
				w.storing(13*second, store{fails: true})
				w.edit(14*second, func(c *Config) { c.Regions = c.Regions[:1] })
				w.edit(15*second, func(c *Config) { c.Regions = config("us-east", "eu-west").Regions })
				w.storing(16*second, store{})
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"12s #1 BreakerOpened eu-west Status503",
				"16s #2 BreakerClosed eu-west EndpointChanged",
			},
		},
		{
			name:    "only one region is left: allowed, nothing breaks",
			regions: []string{"us-east", "eu-west"},
			script: func(w *world) {
				w.edit(12*second, func(c *Config) { c.Regions = c.Regions[:1] })
			},
			until: 60 * second,
			want:  []string{"0s first us-east", "12s write"},
		},
		{
			name: "an endpoint that may not be used is no candidate and none to fail back to",
			script: func(w *world) {
				w.responds(1*second, "eu-west", fault(ClusterIPEndpoint))
				w.responds(10*second, "us-east", status(503))
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"14s holding true",
				"14s #1 BreakerOpened us-east Status503",
			},
		},
	})
}

// The record lists the regions of the spec, in its order.
func TestRecordFollowsTheSpec(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west", "local"))
	w.traffic(10*second, "local", 5, status(503))
	w.edit(12*second, func(c *Config) { c.Regions = []RegionConfig{c.Regions[2], c.Regions[0]} })
	w.run(13 * second)
	var names []string
	for _, r := range w.stored.Regions {
		names = append(names, r.Name)
	}
	if diff := cmp.Diff([]string{"local", "us-east"}, names); diff != "" {
		t.Errorf("regions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"local"}, w.open()); diff != "" {
		t.Errorf("open (-want +got):\n%s", diff)
	}
}
