// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

func explained(t *testing.T, edits ...edit) *Explanation {
	t.Helper()
	e, err := Explain(backend(t, edits...), epoch)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestWhy(t *testing.T) {
	switched := func(b *llmv1alpha1.LLMBackend) {
		active("eu-west", time.Minute)(b)
		b.Status.History = []llmv1alpha1.Transition{
			{Seq: 2, Time: *micro(-time.Minute), Type: llmv1alpha1.TransitionSwitchedOver, From: "us-east", To: "eu-west",
				Reason: "Requested", Message: "traffic moves from region us-east to eu-west, as requested"},
			{Seq: 1, Time: *micro(-time.Hour), Type: llmv1alpha1.TransitionBreakerOpened, Region: "us-east", Message: "another story"},
		}
		pinned(b)
	}
	for _, test := range []struct {
		name  string
		edits []edit
		why   []string
		stays string
	}{
		{"from the beginning", nil, []string{
			"#0 -1h0m0s traffic was sent to region us-east when the LLMBackend was created, and has not moved since",
		}, "us-east is the primary region, and its breaker is closed"},
		{"a failover, and what opened the breaker", []edit{failedOver}, []string{
			"#1 -12s region us-east stopped serving (Status503, seen by probes)",
			"#2 -12s traffic moves from region us-east to eu-west: its breaker is open",
		}, "eu-west may serve, and what a move takes is not all there yet"},
		{"a switch", []edit{switched}, []string{"#2 -1m0s traffic moves from region us-east to eu-west, as requested"},
			"eu-west may serve, and what a move takes is not all there yet"},
		{"a move that the history has lost", []edit{active("eu-west", time.Minute)}, nil,
			"eu-west may serve, and what a move takes is not all there yet"},
		{"a hold", []edit{open("us-east", time.Minute), holds}, []string{
			"#0 -1h0m0s traffic was sent to region us-east when the LLMBackend was created, and has not moved since",
		}, "us-east fails, and traffic stays until a region answers: none does"},
		{"an outage in a pause", []edit{failedOver, active("gone", time.Minute), annotated(llmv1alpha1.PausedAnnotation, "true")}, []string{
			"#1 -12s region us-east stopped serving (Status503, seen by probes)",
			"#2 -12s traffic moves from region us-east to eu-west: its breaker is open",
		}, "gone left the spec, and its addresses stay until the pause ends"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := explained(t, test.edits...)
			var why []string
			for _, c := range e.Why {
				why = append(why, fmt.Sprintf("#%d %s %s", c.Seq, c.Time.Sub(epoch), c.Message))
			}
			if diff := cmp.Diff(test.why, why); diff != "" {
				t.Errorf("why (-want +got):\n%s", diff)
			}
			if e.Stays != test.stays {
				t.Errorf("stays: %q, want %q", e.Stays, test.stays)
			}
		})
	}
}

func TestMoves(t *testing.T) {
	const answers = "it must answer a probe that is made then"
	for _, test := range []struct {
		name   string
		edits  []edit
		region string
		needs  []string
	}{
		{"to the next", nil, "eu-west", []string{"us-east must fail 5 times in a row, which shows within about 9s", answers}},
		{"past the next", nil, "local", []string{
			"us-east must fail 5 times in a row, which shows within about 9s", "no region that is preferred may answer: eu-west", answers,
		}},
		{"past one that fails", []edit{open("eu-west", time.Minute)}, "local", []string{
			"us-east must fail 5 times in a row, which shows within about 9s", answers,
		}},
		{"to one that fails", []edit{open("eu-west", time.Minute)}, "eu-west", []string{
			"us-east must fail 5 times in a row, which shows within about 9s", "its breaker must close, or no other region answer (1m0s)", answers,
		}},
		{"back", []edit{failedOver}, "us-east", []string{
			"its breaker must close: one good answer closes it (48s)", "minDuration (30s) must be over (18s)", answers,
		}},
		{"back from a pin, by people only", []edit{failedOver, pinned, manualFailback}, "us-east", []string{
			"the pin of eu-west must end: it fails, or a person resets or switches", "spec.failover.failback must be Automatic: it is Manual",
			"its breaker must close: one good answer closes it (48s)", "minDuration (30s) must be over (18s)", answers,
		}},
		{"back past one that is preferred", []edit{active("local", time.Hour)}, "eu-west", []string{
			"no region that is preferred may be healthy: us-east", answers,
		}},
		{"to one that may not be used", []edit{active("eu-west", time.Hour), stalled("us-east")}, "us-east", []string{
			"its endpoint must be put right, as the condition Stalled says", answers,
		}},
		{"in mode Disabled", []edit{mode(llmv1alpha1.FailoverDisabled), open("us-east", time.Minute)}, "eu-west", []string{
			"spec.failover.mode must be Automatic: it is Disabled", answers,
		}},
		{"in mode Observe", []edit{mode(llmv1alpha1.FailoverObserve), open("us-east", time.Minute)}, "eu-west", []string{
			"spec.failover.mode must be Automatic: it is Observe, which only reports", answers,
		}},
		{"in a pause", []edit{annotated(llmv1alpha1.PausedAnnotation, "true"), open("us-east", time.Minute)}, "eu-west", []string{
			"the pause must be ended: kubectl breakwater resume chat -n apps", answers,
		}},
		{"in a pause that ends", []edit{annotated(llmv1alpha1.PausedAnnotation, "2026-11-26T13:00:00Z"), open("us-east", time.Minute)}, "eu-west", []string{
			"the pause must be over (1h0m0s)", answers,
		}},
		{"in a hold, to one that fails", []edit{open("us-east", time.Minute), open("eu-west", time.Minute), holds}, "eu-west", []string{answers}},
		{"in a hold, to one that is to be left alone", []edit{open("us-east", time.Minute), held("eu-west", time.Hour), holds}, "eu-west", []string{
			"the time must be over for which it asked to be left alone (1h0m0s)", answers,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var needs []string
			for _, m := range explained(t, test.edits...).Moves {
				for _, n := range m.Needs {
					if m.Region != test.region {
						continue
					}
					if !n.At.IsZero() {
						n.Message += fmt.Sprintf(" (%s)", n.At.Sub(epoch))
					}
					needs = append(needs, n.Message)
				}
			}
			if diff := cmp.Diff(test.needs, needs); diff != "" {
				t.Errorf("needs of %s (-want +got):\n%s", test.region, diff)
			}
		})
	}
}

func TestByHand(t *testing.T) {
	for _, test := range []struct {
		edits []edit
		want  [][]string
	}{
		{[]edit{failedOver}, [][]string{
			{
				"kubectl breakwater switch chat -n apps --to us-east: if it answers one probe",
				"kubectl breakwater reset chat -n apps: at once, without a probe, and closes all breakers",
			},
			{"kubectl breakwater switch chat -n apps --to local: if it answers one probe"},
		}},
		{[]edit{held("eu-west", time.Hour)}, [][]string{
			{"a switch is refused as long as the region asked to be left alone"},
			{"kubectl breakwater switch chat -n apps --to local: if it answers one probe"},
		}},
	} {
		var got [][]string
		for _, m := range explained(t, test.edits...).Moves {
			got = append(got, m.ByHand)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("by hand (-want +got):\n%s", diff)
		}
	}
}
