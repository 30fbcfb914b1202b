// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"testing"
	"time"
)

func TestFailover(t *testing.T) {
	three := []string{"us-east", "eu-west", "local"}
	runAll(t, []scenario{
		{
			name: "the primary fails, the secondary answers: one write with both entries",
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
			},
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"14s #1 BreakerOpened us-east Status503",
				"14s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "many outcomes at once: exactly one failover",
			script: func(w *world) {
				w.responds(10*second, "eu-west", slow(200, 100*ms))
				w.responds(10*second, "us-east", status(503))
				w.traffic(12*second, "us-east", 1000, status(503))
				w.traffic(12*second+50*ms, "us-east", 1000, fault(Timeout))
			},
			until: 60 * second,
			want: []string{
				"0s first us-east",
				"12.1s #1 BreakerOpened us-east Status503",
				"12.1s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name:    "first secondary down, second up: the second, at once",
			regions: three,
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", fault(ConnectionRefused))
				w.responds(12*second, "local", slow(200, 200*ms))
			},
			until: 20 * second,
			want: []string{
				"0s first us-east",
				"14.2s #1 BreakerOpened us-east Status503",
				"14.2s #2 FailedOver us-east>local BreakerOpen",
			},
		},
		{
			name:    "the preferred candidate hangs: 250 ms after the first healthy answer",
			regions: three,
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", hangs())
				w.responds(12*second, "local", slow(200, 100*ms))
			},
			until: 20 * second,
			want: []string{
				"0s first us-east",
				"14.25s #1 BreakerOpened us-east Status503",
				"14.35s #2 FailedOver us-east>local BreakerOpen",
			},
		},
		{
			name:    "the preferred candidate answers within the 250 ms: it wins",
			regions: three,
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", slow(200, 340*ms))
				w.responds(12*second, "local", slow(200, 100*ms))
			},
			until: 20 * second,
			want: []string{
				"0s first us-east",
				"14.25s #1 BreakerOpened us-east Status503",
				"14.34s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name:    "the preferred candidate fails within the 250 ms: no reason to wait longer",
			regions: three,
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", slow(503, 200*ms))
				w.responds(12*second, "local", slow(200, 100*ms))
			},
			until: 20 * second,
			want: []string{
				"0s first us-east",
				"14.2s #1 BreakerOpened us-east Status503",
				"14.2s #2 FailedOver us-east>local BreakerOpen",
			},
		},
		{
			name:    "a less preferred candidate is not waited for",
			regions: three,
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "local", hangs())
			},
			until: 20 * second,
			want: []string{
				"0s first us-east",
				"14s #1 BreakerOpened us-east Status503",
				"14s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name:    "a candidate that needs nearly a period: its evidence does not wait until it is stale",
			regions: three,
			script: func(w *world) {
				w.timeouts["eu-west"] = 5 * second
				w.config.Regions[2].Probe.Period = 3 * second
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", hangs())
				w.responds(12*second, "local", slow(200, 2900*ms))
			},
			until: 30 * second,
			want: []string{
				"0s first us-east",
				"14.25s #1 BreakerOpened us-east Status503",
				"16.9s #2 FailedOver us-east>local BreakerOpen",
			},
		},
		{
			name: "undecided for 250 ms: the opening is written alone",
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", slow(200, 251*ms))
			},
			until: 20 * second,
			want: []string{
				"0s first us-east",
				"14.25s #1 BreakerOpened us-east Status503",
				"14.251s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name: "decided within 250 ms: one write",
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(12*second, "eu-west", slow(200, 249*ms))
			},
			until: 20 * second,
			want: []string{
				"0s first us-east",
				"14.249s #1 BreakerOpened us-east Status503",
				"14.249s #2 FailedOver us-east>eu-west BreakerOpen",
			},
		},
		{
			name:    "the active secondary dies: the next healthy region at once, whatever minDuration says",
			regions: three,
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.traffic(16*second, "eu-west", 5, fault(ConnectionReset))
			},
			until: 40 * second,
			want: []string{
				"0s first us-east",
				"14s #1 BreakerOpened us-east Status503",
				"14s #2 FailedOver us-east>eu-west BreakerOpen",
				"16s #3 BreakerOpened eu-west ConnectionReset",
				"16s #4 FailedOver eu-west>local BreakerOpen",
			},
		},
		{
			name:    "the active secondary dies: the primary comes first, and it is FailedOver",
			regions: three,
			script: func(w *world) {
				w.responds(10*second, "us-east", status(503))
				w.responds(15*second, "us-east", status(200))
				w.traffic(80*second, "eu-west", 5, status(503))
				w.config.MinDuration = time.Hour
			},
			until: 100 * second,
			want: []string{
				"0s first us-east",
				"14s #1 BreakerOpened us-east Status503",
				"14s #2 FailedOver us-east>eu-west BreakerOpen",
				"74s #3 BreakerClosed us-east Recovered",
				"80s #4 BreakerOpened eu-west Status503",
				"80s #5 FailedOver eu-west>us-east BreakerOpen",
			},
		},
	})
}
