// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// line is a step as the cases write it.
func line(s Step) string {
	when := string(s.When)
	if s.When == AtTime {
		when = "in " + s.At.Sub(epoch).String()
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", when, s.Event, s.Region)) + ": " + s.Message
}

func TestNext(t *testing.T) {
	const (
		tried       = "us-east is tried: one good answer closes its breaker"
		ifEastFails = "OnEvent Failover eu-west: if us-east fails 5 times in a row, traffic goes to the first of eu-west, local that answers"
		ifWestFails = "OnEvent Failover local: if eu-west fails 5 times in a row, traffic goes to local if it answers"
	)
	for _, test := range []struct {
		name  string
		edits []edit
		want  []string
	}{
		{"serves from the primary", nil, []string{ifEastFails}},
		{"failed over", []edit{failedOver}, []string{
			"in 48s Trial us-east: " + tried,
			"in 48s Failback us-east: traffic goes back to us-east if its breaker has closed by then",
			ifWestFails,
		}},
		{"failed over, minDuration ends after the trial", []edit{failedOver, func(b *llmv1alpha1.LLMBackend) { b.Spec.Failover.MinDuration = "2m" }}, []string{
			"in 48s Trial us-east: " + tried,
			"in 1m48s Failback us-east: traffic goes back to us-east if its breaker has closed by then",
			ifWestFails,
		}},
		{"failed over, and the failovers of an hour are used up", []edit{failedOver, hourly}, []string{
			"in 48s Trial us-east: " + tried,
			"in 59m48s LimitEnds: maxPerHour allows a failover again",
			"in 59m48s Failback us-east: traffic goes back to us-east if its breaker has closed by then",
			"OnEvent Stay eu-west: if eu-west fails before maxPerHour allows a failover again, traffic stays until then",
		}},
		{"then the other fails too", []edit{failedOver, hourly, open("eu-west", 50*time.Second)}, []string{
			"in 48s Trial us-east: " + tried,
			"in 50s Trial eu-west: eu-west is tried: one good answer closes its breaker",
			"in 59m48s LimitEnds: maxPerHour allows a failover again",
			"in 59m48s Failover: eu-west fails, and maxPerHour is used up: then the most preferred of the others that answers gets the traffic",
		}},
		{"the window has ended", []edit{failedOver, open("us-east", -time.Second)}, []string{
			"Now Trial us-east: " + tried,
			"in 18s Failback us-east: traffic goes back to us-east if its breaker has closed by then",
			ifWestFails,
		}},
		{"three successes close a breaker", []edit{failedOver, func(b *llmv1alpha1.LLMBackend) { b.Spec.Probe.SuccessThreshold = 3 }}, []string{
			"in 48s Trial us-east: us-east is tried: 3 good answers in a row close its breaker",
			"in 50s Failback us-east: traffic goes back to us-east if its breaker has closed by then",
			ifWestFails,
		}},
		{"recovered before minDuration is over", []edit{active("eu-west", 12*time.Second)}, []string{
			"in 18s Failback us-east: traffic goes back to us-east if it answers then",
			"OnEvent Failover us-east: if eu-west fails 5 times in a row, traffic goes to the first of us-east, local that answers",
		}},
		{"a failback that is due", []edit{active("eu-west", time.Minute)}, []string{
			"Now Failback us-east: traffic goes back to us-east if it answers then",
			"OnEvent Failover us-east: if eu-west fails 5 times in a row, traffic goes to the first of us-east, local that answers",
		}},
		{"a clock that was turned back makes nothing early", []edit{active("eu-west", -time.Hour)}, []string{
			"in 30s Failback us-east: traffic goes back to us-east if it answers then",
			"OnEvent Failover us-east: if eu-west fails 5 times in a row, traffic goes to the first of us-east, local that answers",
		}},
		{"back in two steps", []edit{failedOver, active("local", 12*time.Second)}, []string{
			"in 18s Failback eu-west: traffic goes back to eu-west if it answers then",
			"in 48s Trial us-east: " + tried,
			"in 48s Failback us-east: traffic goes back to us-east if its breaker has closed by then",
			"OnEvent Failover eu-west: if local fails 5 times in a row, traffic goes to eu-west if it answers",
		}},
		{"a preferred region that may not be used", []edit{active("eu-west", time.Minute), stalled("us-east")}, []string{ifWestFails}},
		{"pinned", []edit{active("eu-west", time.Minute), pinned}, []string{
			"OnEvent Stay eu-west: a person switched to eu-west: traffic stays until it fails, or until a reset or another switch",
			"OnEvent Failover us-east: if eu-west fails 5 times in a row, traffic goes to the first of us-east, local that answers",
		}},
		{"pinned to the primary", []edit{pinned}, []string{ifEastFails}},
		{"failback by people", []edit{failedOver, manualFailback}, []string{
			"in 48s Trial us-east: " + tried,
			"OnEvent Stay eu-west: failback is Manual: traffic stays until eu-west fails or a person moves it",
			ifWestFails,
		}},
		{"a failover under way", []edit{open("us-east", 48*time.Second)}, []string{
			"Now Failover: us-east fails: the others are asked, and the most preferred that answers gets the traffic",
			"in 48s Trial us-east: " + tried,
		}},
		{"a hold", []edit{open("us-east", 48*time.Second), open("eu-west", 20*time.Second), holds}, []string{
			"Now Failover: no region answers: eu-west, local are asked each 1s, and the first that answers gets the traffic",
			"in 20s Trial eu-west: eu-west is tried: one good answer closes its breaker",
			"in 48s Trial us-east: " + tried,
		}},
		{"a hold in which one asked to be left alone", []edit{open("us-east", 48*time.Second), held("eu-west", 20*time.Minute), holds}, []string{
			"Now Failover: no region answers: local is asked each 1s, and the first that answers gets the traffic",
			"in 48s Trial us-east: " + tried,
			"in 20m0s Trial eu-west: eu-west is tried: one good answer closes its breaker",
		}},
		{"no secondary", []edit{withoutSecondaries}, []string{
			"OnEvent Stay us-east: if us-east fails, traffic stays: there is no region to fail over to",
		}},
		{"no secondary, and failing", []edit{withoutSecondaries, open("us-east", 48*time.Second), holds}, []string{
			"in 48s Trial us-east: " + tried,
			"OnEvent Stay us-east: traffic stays: there is no region to fail over to",
		}},
		{"all others fail", []edit{open("eu-west", time.Second), open("local", 2*time.Second)}, []string{
			"in 1s Trial eu-west: eu-west is tried: one good answer closes its breaker",
			"in 2s Trial local: local is tried: one good answer closes its breaker",
			"OnEvent Failover: if us-east fails, traffic stays until another region answers",
		}},
		{"the active region left the spec", []edit{active("gone", time.Minute)}, []string{
			"Now Failover: gone fails: the others are asked, and the most preferred that answers gets the traffic",
		}},
		{"paused until a time", []edit{failedOver, annotated(llmv1alpha1.PausedAnnotation, "2026-11-26T12:08:00Z")}, []string{
			"in 48s Trial us-east: " + tried,
			"in 8m0s PauseEnds: the pause ends, and what is due by then is done",
			"in 8m0s Failback us-east: traffic goes back to us-east if its breaker has closed by then",
			ifWestFails,
		}},
		{"paused in an outage", []edit{open("us-east", 48*time.Second), annotated(llmv1alpha1.PausedAnnotation, "2026-11-26T12:08:00Z")}, []string{
			"in 48s Trial us-east: " + tried,
			"in 8m0s PauseEnds: the pause ends, and what is due by then is done",
			"in 8m0s Failover: us-east fails: the most preferred of the others that answers gets the traffic",
		}},
		{"a pause that has ended", []edit{annotated(llmv1alpha1.PausedAnnotation, "2026-11-26T11:59:59Z")}, []string{ifEastFails}},
		{"paused for good", []edit{failedOver, annotated(llmv1alpha1.PausedAnnotation, "true")}, []string{
			"in 48s Trial us-east: " + tried,
			"OnEvent PauseEnds: nothing moves until the pause is ended: kubectl breakwater resume chat -n apps",
		}},
		{"a pause that cannot be read", []edit{annotated(llmv1alpha1.PausedAnnotation, "tomorrow")}, []string{
			"OnEvent PauseEnds: nothing moves until the pause is ended: kubectl breakwater resume chat -n apps",
		}},
		{"observing", []edit{failedOver, mode(llmv1alpha1.FailoverObserve)}, []string{
			"in 48s Trial us-east: " + tried,
			"in 48s Report us-east: mode Observe, nothing is moved: traffic goes back to us-east if its breaker has closed by then",
			"OnEvent Report local: mode Observe, nothing is moved: if eu-west fails 5 times in a row, traffic goes to local if it answers",
		}},
		{"observing an outage", []edit{open("us-east", 48*time.Second), mode(llmv1alpha1.FailoverObserve)}, []string{
			"Now Report: mode Observe, nothing is moved: us-east fails: the others are asked, and the most preferred that answers gets the traffic",
			"in 48s Trial us-east: " + tried,
		}},
		{"disabled", []edit{failedOver, mode(llmv1alpha1.FailoverDisabled)}, []string{
			"in 48s Trial us-east: " + tried,
			"OnEvent Stay eu-west: mode Disabled: nothing but a person moves traffic, whatever fails",
		}},
		{"a reset asked for", []edit{failedOver, annotated(llmv1alpha1.ResetAnnotation, "2")}, []string{
			"Now Order us-east: a reset brings traffic to the primary region us-east, without a probe",
			"in 48s Trial us-east: " + tried,
		}},
		{"a reset asked for in a pause", []edit{failedOver, annotated(llmv1alpha1.ResetAnnotation, "2", llmv1alpha1.PausedAnnotation, "true")}, []string{
			"in 48s Trial us-east: " + tried,
			"OnEvent PauseEnds: nothing moves until the pause is ended: kubectl breakwater resume chat -n apps",
			"OnEvent Order us-east: when the pause ends, a reset brings traffic to the primary region us-east, without a probe",
		}},
		{"a switch asked for", []edit{annotated(llmv1alpha1.SwitchToAnnotation, "local", llmv1alpha1.SwitchRequestedAtAnnotation, "2")}, []string{
			"Now Order local: a switch brings traffic to local, if it answers one probe",
			ifEastFails,
		}},
		{"orders that are acknowledged", []edit{
			annotated(llmv1alpha1.ResetAnnotation, "1", llmv1alpha1.SwitchToAnnotation, "local", llmv1alpha1.SwitchRequestedAtAnnotation, "2"),
			func(b *llmv1alpha1.LLMBackend) {
				b.Status.LastHandledReset, b.Status.LastHandledSwitch, b.Status.LastSwitchResult = "1", "2", llmv1alpha1.SwitchFailed
			},
		}, []string{ifEastFails}},
		{"publishing", []edit{condition("Published", metav1.ConditionFalse, "Pending", "")}, []string{
			"Now Publish us-east: the EndpointSlices are made to show us-east",
			ifEastFails,
		}},
		{"a change that was not read yet", []edit{func(b *llmv1alpha1.LLMBackend) { b.Generation = 2 }}, []string{
			"Now Order: the operator has not read the newest change of the spec yet",
			ifEastFails,
		}},
		{"a breaker that has adapted", []edit{func(b *llmv1alpha1.LLMBackend) { b.Status.Regions[0].Breaker.EffectiveFailureThreshold = 10 }}, []string{
			"OnEvent Failover eu-west: if us-east fails 10 times in a row, traffic goes to the first of eu-west, local that answers",
		}},
		{"new", []edit{func(b *llmv1alpha1.LLMBackend) { b.Status = llmv1alpha1.LLMBackendStatus{ObservedGeneration: -1} }}, []string{
			"Now Publish us-east: traffic is sent to the primary region us-east as soon as the operator sees this LLMBackend",
		}},
		{"new and paused", []edit{annotated(llmv1alpha1.PausedAnnotation, "true"), func(b *llmv1alpha1.LLMBackend) { b.Status = llmv1alpha1.LLMBackendStatus{ObservedGeneration: -1} }}, []string{
			"OnEvent PauseEnds: nothing moves until the pause is ended: kubectl breakwater resume chat -n apps",
			"OnEvent Publish us-east: when the pause ends, traffic is sent to the primary region us-east as soon as the operator sees this LLMBackend",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := Describe(backend(t, test.edits...), epoch)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range p.Next {
				got = append(got, line(s))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("what happens next (-want +got):\n%s", diff)
			}
		})
	}
}
