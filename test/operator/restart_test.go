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

// restartCase is a state in which an operator is stopped and another one started.
type restartCase struct {
	name  string
	edits []edit
	// arrange brings the LLMBackend into the state, of which the event told is the last one.
	arrange func(w *world, east, west *lab.Region)
	told    string
	// silent regions have an open breaker: they are not probed before its window ends.
	eastSilent, westSilent bool
}

var restartCases = []restartCase{{
	name:    "serving",
	arrange: func(*world, *lab.Region, *lab.Region) {},
	told:    "EndpointSliceCreated",
}, {
	name:  "a region that is not active is open",
	edits: []edit{openDuration("1h")},
	arrange: func(w *world, _, west *lab.Region) {
		w.set(west, lab.Status(503))
		w.awaitOpen("chat", "eu-west")
	},
	told:       "BreakerOpened",
	westSilent: true,
}, {
	name:  "failed over",
	edits: []edit{openDuration("1h"), minDuration("1h")},
	arrange: func(w *world, east, _ *lab.Region) {
		w.set(east, lab.Status(503))
		w.awaitActive("chat", "eu-west")
	},
	told:       "EndpointSliceApplied",
	eastSilent: true,
}, {
	name:  "waiting for minDuration",
	edits: []edit{minDuration("1h")},
	arrange: func(w *world, east, _ *lab.Region) {
		w.set(east, lab.Status(503))
		w.awaitActive("chat", "eu-west")
		w.set(east, lab.Healthy())
		w.awaitClosed("chat", "us-east")
	},
	told: "BreakerClosed",
}, {
	name:  "holding",
	edits: []edit{openDuration("1h")},
	arrange: func(w *world, east, west *lab.Region) {
		w.set(west, lab.Status(503))
		w.awaitOpen("chat", "eu-west")
		w.set(east, lab.Status(503))
		w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonNoHealthyRegion)
	},
	told: "NoHealthyRegion",
}, {
	name:  "pinned",
	edits: []edit{minDuration("0s")},
	arrange: func(w *world, _, _ *lab.Region) {
		w.orderSwitch("eu-west", "1")
		w.awaitSwitch("1", llmv1alpha1.SwitchSwitched)
		w.awaitActive("chat", "eu-west")
	},
	told: "EndpointSliceApplied",
}, {
	name:  "paused in an outage",
	edits: []edit{openDuration("1h")},
	arrange: func(w *world, east, _ *lab.Region) {
		w.annotate("chat", llmv1alpha1.PausedAnnotation, "true")
		w.awaitReason("chat", llmv1alpha1.ConditionPaused, llmv1alpha1.ReasonPausedByAnnotation)
		w.set(east, lab.Status(503))
		w.awaitOpen("chat", "us-east")
	},
	told:       "BreakerOpened",
	eastSilent: true,
}, {
	name:  "has told what it would do",
	edits: []edit{openDuration("1h"), mode(llmv1alpha1.FailoverObserve)},
	arrange: func(w *world, east, _ *lab.Region) {
		w.set(east, lab.Status(503))
		w.awaitReason("chat", llmv1alpha1.ConditionDegraded, llmv1alpha1.ReasonWouldMove)
	},
	told:       "WouldFailOver",
	eastSilent: true,
}}

// An operator that starts goes on from what is stored. As long as nothing contradicts that, it writes nothing.
func TestRestartChangesNothing(t *testing.T) {
	for _, c := range restartCases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			east, west := w.serve(c.edits...)
			c.arrange(w, east, west)
			w.awaitEvent("chat", c.told)
			w.stop()
			before, slices := w.get("chat"), w.slices()
			eastBefore, westBefore := probes(east), probes(west)

			restarted := time.Now()
			w.start()
			for r, silent := range map[*lab.Region]bool{east: c.eastSilent, west: c.westSilent} {
				if !silent {
					w.awaitProbes(4, r)
				}
			}
			if diff := cmp.Diff(before.Status, w.get("chat").Status); diff != "" {
				t.Errorf("status (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(slices, w.slices()); diff != "" {
				t.Errorf("slices (-before +after):\n%s", diff)
			}
			for _, write := range w.writesSince(restarted) {
				t.Errorf("after the restart: %s", write)
			}
			if n := probes(east) - eastBefore; c.eastSilent && n > 0 {
				t.Errorf("%d probes of us-east in its window", n)
			}
			if n := probes(west) - westBefore; c.westSilent && n > 0 {
				t.Errorf("%d probes of eu-west in its window", n)
			}
		})
	}
}

// What was due while no operator ran is done by the next one.
func TestRestartedOperatorGoesOn(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve(minDuration("1s"))
	w.set(east, lab.Status(503))
	left := w.awaitActive("chat", "eu-west")
	w.stop()
	w.set(east, lab.Healthy())
	w.start()
	b := w.awaitActive("chat", "us-east")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west", "3 BreakerClosed us-east", "4 FailedBack eu-west->us-east")
	if until, closed := breakerOf(left, "us-east").OpenUntil, newest(b, llmv1alpha1.TransitionBreakerClosed).Time; closed.Time.Before(until.Time) {
		t.Errorf("us-east closed at %s, in its window that ended at %s", closed, until)
	}
}
