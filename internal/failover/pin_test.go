// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "testing"

// A region that a person has switched to is pinned: failback does not leave it.
func TestPin(t *testing.T) {
	runAll(t, []scenario{
		{
			name: "to the active region: it is pinned, and no failback leaves it",
			script: func(w *world) {
				leavesAt14(w, 10*second)
				w.responds(15*second, "us-east", status(200))
				w.switches(20*second, "1", "eu-west")
			},
			until: 300 * second,
			want: afterLeaving(
				"20s switch Pinned",
				"20s RegionPinned",
				"24s #3 BreakerClosed us-east Recovered",
			),
		},
		{
			name: "the pin ends when the region's breaker opens",
			script: func(w *world) {
				w.config.Regions[1].Breaker.OpenDuration = 10 * second
				w.switches(12*second, "1", "eu-west")
				w.responds(13*second, "us-east", status(503))
				w.traffic(40*second, "eu-west", 5, status(503))
				w.responds(45*second, "us-east", status(200))
			},
			until: 300 * second,
			want: []string{
				"0s first us-east",
				"12s #1 SwitchedOver us-east>eu-west Requested",
				"12s switch Switched",
				"35s #2 BreakerOpened us-east Status503",
				"40s holding true",
				"40s #3 BreakerOpened eu-west Status503",
				"45s #4 BreakerClosed us-east Recovered",
				"45s #5 FailedOver eu-west>us-east BreakerOpen",
				"45s holding false",
				"50s #6 BreakerClosed eu-west Recovered",
			},
		},
		{
			name: "the pin ends with the breaker although nothing takes over",
			script: func(w *world) {
				w.config.Regions[1].Breaker.OpenDuration = 10 * second
				w.switches(12*second, "1", "eu-west")
				w.responds(13*second, "us-east", status(401))
				w.traffic(40*second, "eu-west", 5, status(503))
				w.responds(55*second, "us-east", status(200))
			},
			until: 300 * second,
			want: []string{
				"0s first us-east",
				"12s #1 SwitchedOver us-east>eu-west Requested",
				"12s switch Switched",
				"40s holding true",
				"40s #2 BreakerOpened eu-west Status503",
				"50s holding false",
				"50s #3 BreakerClosed eu-west Recovered",
				"55s #4 FailedBack eu-west>us-east PreferredRegionHealthy",
			},
		},
		{
			name: "another switch moves the pin",
			script: func(w *world) {
				w.switches(12*second, "1", "eu-west")
				w.switches(60*second, "2", "us-east")
			},
			until: 300 * second,
			want: []string{
				"0s first us-east",
				"12s #1 SwitchedOver us-east>eu-west Requested",
				"12s switch Switched",
				"60s #2 SwitchedOver eu-west>us-east Requested",
				"60s switch Switched",
			},
		},
		{
			name:    "the pin ends when the region leaves the spec",
			regions: []string{"us-east", "eu-west", "local"},
			script: func(w *world) {
				w.config.Regions[0].Breaker.OpenDuration = 10 * second
				w.switches(8*second, "1", "local")
				w.traffic(10*second, "us-east", 5, status(503))
				w.edit(12*second, func(c *Config) { c.Regions = c.Regions[:2] })
			},
			until: 100 * second,
			want: []string{
				"0s first us-east",
				"8s #1 SwitchedOver us-east>local Requested",
				"8s switch Switched",
				"10s #2 BreakerOpened us-east Status503",
				"12s write",
				"12s #3 FailedOver local>eu-west ActiveRegionRemoved",
				"20s #4 BreakerClosed us-east Recovered",
				"42s #5 FailedBack eu-west>us-east PreferredRegionHealthy",
			},
		},
	})
}
