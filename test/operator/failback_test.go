// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// A recovery that came too early is carried out at the end of minDuration. No scheduled probe is near that
// moment: the operator makes one of its own.
func TestFailbackAtTheEndOfMinDuration(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve(minDuration("1h"))
	w.set(east, lab.Status(503))
	left := w.awaitActive("chat", "eu-west").Status.ActiveSince
	w.set(east, lab.Healthy())
	w.awaitClosed("chat", "us-east")
	least := (time.Since(left.Time) + 3*time.Second).Truncate(time.Millisecond)
	w.edit("chat", minDuration(milliseconds(least)), rareProbes)

	b := w.awaitActive("chat", "us-east")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west", "3 BreakerClosed us-east", "4 FailedBack eu-west->us-east")
	const bound = 3 * time.Second
	if stayed := b.Status.ActiveSince.Sub(left.Time); stayed < least || stayed > least+bound {
		t.Errorf("stayed on eu-west for %s, want %s, and %s more at most", stayed, least, bound)
	}
}

// Without minDuration the probe that shows the recovery is all that a failback needs.
func TestFailbackAtOnce(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve(minDuration("0s"))
	w.set(east, lab.Status(503))
	w.awaitActive("chat", "eu-west")
	w.edit("chat", rareProbes)
	w.set(east, lab.Healthy())
	recovered := w.awaitClosed("chat", "us-east")
	if recovered.Status.ActiveRegion != "us-east" {
		t.Errorf("the write that closed the breaker left traffic on %s", recovered.Status.ActiveRegion)
	}
	b := w.awaitActive("chat", "us-east")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west", "3 BreakerClosed us-east", "4 FailedBack eu-west->us-east")
}

func TestPrimaryThatDiesAgainStopsFailback(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve(minDuration("1h"))
	w.set(east, lab.Status(503))
	left := w.awaitActive("chat", "eu-west").Status.ActiveSince
	w.set(east, lab.Healthy())
	w.awaitClosed("chat", "us-east")
	w.set(east, lab.Status(503))
	least := (time.Since(left.Time) + time.Second).Truncate(time.Millisecond)
	w.edit("chat", minDuration(milliseconds(least)))

	b := w.await("chat", "past the time of the failback", func(b *llmv1alpha1.LLMBackend) bool {
		until := breakerOf(b, "us-east").OpenUntil
		return until != nil && until.After(left.Add(least+time.Second))
	})
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west", "3 BreakerClosed us-east", "4 BreakerOpened us-east")

	w.set(east, lab.Healthy())
	b = w.awaitActive("chat", "us-east")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west", "3 BreakerClosed us-east", "4 BreakerOpened us-east",
		"5 BreakerClosed us-east", "6 FailedBack eu-west->us-east")
}

func TestManualFailbackIsLeftToPeople(t *testing.T) {
	w := newWorld(t)
	east, west := w.serve(minDuration("0s"), failback(llmv1alpha1.FailbackManual))
	w.set(east, lab.Status(503))
	w.awaitActive("chat", "eu-west")
	w.set(east, lab.Healthy())
	w.awaitClosed("chat", "us-east")
	w.awaitProbes(3, east, west)

	allowed := time.Now()
	w.edit("chat", failback(llmv1alpha1.FailbackAutomatic))
	b := w.awaitActive("chat", "us-east")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west", "3 BreakerClosed us-east", "4 FailedBack eu-west->us-east")
	if at := newest(b, llmv1alpha1.TransitionFailedBack).Time; at.Time.Before(allowed) {
		t.Errorf("failed back at %s, before that was allowed at %s", at, allowed)
	}
}

// A secondary region that dies is left at once, whatever minDuration says, for the next healthy one in the order
// of the spec.
func TestActiveSecondaryDies(t *testing.T) {
	w := newWorld(t)
	east, west, local := w.region(0), w.region(1), w.region(2)
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", east.URL()).
		secondary("eu-west", west.URL()).secondary("local", local.URL()).edit(minDuration("24h")).obj())
	w.awaitActive("chat", "us-east")

	w.set(east, lab.Status(503))
	w.awaitActive("chat", "eu-west")
	w.set(west, lab.Status(503))
	w.awaitActive("chat", "local")
	w.set(east, lab.Healthy())
	w.awaitClosed("chat", "us-east")
	w.set(local, lab.Status(503))
	b := w.awaitActive("chat", "us-east")
	if diff := cmp.Diff([]string{
		"FailedOver us-east->eu-west", "FailedOver eu-west->local", "FailedOver local->us-east",
	}, moves(b)); diff != "" {
		t.Errorf("region changes (-want +got):\n%s", diff)
	}
}
