// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// What a failover stores, in full.
func TestPlanOfFailover(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	w.responds(10*second, "us-east", status(503))
	w.run(14 * second)
	opened := epoch().Add(14 * second)
	want := Record{
		ActiveRegion: "eu-west", TransitionSeq: 2, ActiveSeq: 2, ActiveSince: opened,
		Regions: []RegionRecord{
			{Name: "us-east", Open: true, Since: opened, OpenUntil: opened.Add(time.Minute), Reason: "Status503"},
			{Name: "eu-west", Since: epoch()},
		},
		History: []Transition{
			{
				Seq: 2, Time: opened, Type: FailedOver, From: "us-east", To: "eu-west", Reason: "BreakerOpen",
				Message: "traffic moves from region us-east to eu-west: its breaker is open",
			},
			{
				Seq: 1, Time: opened, Type: BreakerOpened, Region: "us-east", Reason: "Status503",
				Message: "region us-east stopped serving (Status503, seen by probes)",
			},
		},
	}
	if diff := cmp.Diff(want, w.stored); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

// A plan changes nothing until it is settled: it can be dropped and made again.
func TestPlanChangesNothing(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	w.run(second)
	w.store.fails = true
	w.traffic(2*second, "us-east", 5, status(503))
	w.run(2 * second)
	first, again := w.machine.Plan(w.clock()), w.machine.Plan(w.clock())
	if !first.Changed || len(first.Transitions) != 2 {
		t.Fatalf("plan changed %v with transitions %v, want an opening and a failover", first.Changed, first.Transitions)
	}
	if diff := cmp.Diff(first, again, cmp.AllowUnexported(Plan{}, observation{}, trigger{}), cmpopts.EquateComparable(View{})); diff != "" {
		t.Errorf("two plans of one moment differ:\n%s", diff)
	}
	if diff := cmp.Diff(w.stored, w.machine.record); diff != "" {
		t.Errorf("the record has changed:\n%s", diff)
	}
}

// Transitions that come to light together are numbered in the order in which they happened.
func TestTransitionsInOrder(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west", "local"))
	w.storing(5*second, store{fails: true})
	w.traffic(12*second, "local", 5, status(503))
	w.traffic(13*second, "eu-west", 5, status(500))
	w.storing(14*second, store{})
	w.run(20 * second)
	w.want(
		"0s first us-east",
		"14s #1 BreakerOpened local Status503",
		"14s #2 BreakerOpened eu-west Status500",
	)
}

// The regions of an LLMBackend whose first write fails for long may have failed meanwhile.
func TestFirstRecord(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	w.store.fails = true
	w.traffic(2*second, "us-east", 5, status(503))
	w.storing(3*second, store{})
	w.run(10 * second)
	w.want(
		"3s #1 BreakerOpened us-east Status503",
		"3s first us-east",
		"3s #2 FailedOver us-east>eu-west BreakerOpen",
	)
}

// What has happened since the claim was decided counts, also if nothing has looked at the claim meanwhile.
func TestPlanLooksAtAFailbackAgain(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	leavesAt14(w, time.Minute)
	w.responds(70*second, "us-east", status(200))
	w.storing(70*second, store{fails: true})
	w.run(74 * second)
	fallsBack := func() bool {
		return slices.ContainsFunc(w.machine.Plan(w.clock()).Transitions, func(x Transition) bool { return x.Type == FailedBack })
	}
	if !fallsBack() {
		t.Fatal("the failback is not decided")
	}
	for range 5 {
		w.machine.Traffic(w.clock(), "eu-west", outcome(Response{Status: 503}))
	}
	if fallsBack() {
		t.Error("leaving a region that has failed meanwhile is planned as a failback")
	}
}
