// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "testing"

// What the operator's own network does to every probe at once must not move a fleet.
func TestHiccup(t *testing.T) {
	runAll(t, []scenario{
		{
			name: "transport errors opened it and it answers again: nothing moves, nothing is written",
			script: func(w *world) {
				w.responds(10*second, "us-east", hangs())
				w.responds(24*second, "us-east", slow(200, 100*ms))
				w.responds(24*second, "eu-west", slow(200, 50*ms))
			},
			until: 120 * second,
			want:  []string{"0s first us-east"},
		},
		{
			name: "its answer after 250 ms comes too late",
			script: func(w *world) {
				w.responds(10*second, "us-east", hangs())
				w.responds(24*second, "us-east", slow(200, 310*ms))
				w.responds(24*second, "eu-west", slow(200, 50*ms))
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"25.25s #1 BreakerOpened us-east Timeout",
				"25.3s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "an answer that is no success does not help it",
			script: func(w *world) {
				w.responds(10*second, "us-east", hangs())
				w.responds(24*second, "us-east", slow(503, 100*ms))
				w.responds(24*second, "eu-west", slow(200, 50*ms))
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"25.1s #1 BreakerOpened us-east Timeout",
				"25.1s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "a status code opened it: it is not asked again",
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(13500*ms, "us-east", slow(503, 100*ms))
				w.responds(14050*ms, "us-east", status(200))
				w.responds(13500*ms, "eu-west", slow(200, 50*ms))
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"14.15s #1 BreakerOpened us-east Status503",
				"14.15s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "transport errors of real traffic opened it: it is not asked again",
			script: func(w *world) {
				w.responds(10*second, "eu-west", slow(200, 50*ms))
				w.traffic(12*second, "us-east", 5, fault(ConnectionReset))
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"12.05s #1 BreakerOpened us-east ConnectionReset",
				"12.05s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
	})
}
