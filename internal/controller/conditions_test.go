// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
)

func TestConditions(t *testing.T) {
	published := publication{reason: llmv1alpha1.ReasonPublished, shows: true}
	all := [failover.MaxRegions]bool{true, true}
	open := func(f *facts, region int) {
		f.backend.Status.Regions[region].Breaker.State = llmv1alpha1.BreakerOpen
	}
	before := func(f *facts, kind, reason string, status metav1.ConditionStatus) {
		f.backend.Status.Conditions = append(f.backend.Status.Conditions,
			metav1.Condition{Type: kind, Reason: reason, Status: status})
	}
	for _, test := range []struct {
		name string
		edit func(*facts)
		want []string
	}{
		{"serving", func(*facts) {}, []string{"Published=True/Published", "Ready=True/Serving"}},
		{"nothing published yet", func(f *facts) { f.publication = publication{} },
			[]string{"Published=False/Pending", "Ready=False/NotPublished"}},
		{"serving from a secondary", func(f *facts) {
			f.backend.Status.ActiveRegion = "eu-west"
			f.backend.Status.ActiveSeq = 2
			f.backend.Status.History = []llmv1alpha1.Transition{{Seq: 2, Type: llmv1alpha1.TransitionSwitchedOver}}
		}, []string{"FailedOver=True/SwitchedOver", "Published=True/Published", "Ready=True/ServingSecondary"}},
		{"a secondary fails", func(f *facts) { open(f, 1) },
			[]string{"Degraded=True/RegionsFailing", "Published=True/Published", "Ready=True/Serving"}},
		{"the active region fails", func(f *facts) { open(f, 0) },
			[]string{"Degraded=True/RegionsFailing", "Published=True/Published", "Ready=False/ActiveRegionFailing"}},
		{"holding", func(f *facts) { open(f, 0); f.view.Holding = true },
			[]string{"Degraded=True/RegionsFailing", "Published=True/Published", "Ready=False/NoHealthyRegion"}},
		{"holding before a restart, not decided again", func(f *facts) {
			open(f, 0)
			f.deciding = true
			before(f, llmv1alpha1.ConditionReady, llmv1alpha1.ReasonNoHealthyRegion, metav1.ConditionFalse)
		}, []string{"Degraded=True/RegionsFailing", "Published=True/Published", "Ready=False/NoHealthyRegion"}},
		{"would move", func(f *facts) {
			open(f, 0)
			f.config.Mode = failover.Observe
			f.view.Would, f.view.WouldTo = failover.FailedOver, "eu-west"
		}, []string{"Degraded=True/WouldMove", "Published=True/Published", "Ready=False/ActiveRegionFailing"}},
		{"limited, and serving", func(f *facts) { f.view.LimitedUntil = time.Unix(1, 0) },
			[]string{"FailoverLimited=True/MaxPerHour", "Published=True/Published", "Ready=True/Serving"}},
		{"waiting for its turn", func(f *facts) { open(f, 0); f.view.Waiting = true },
			[]string{"Degraded=True/RegionsFailing", "FailoverLimited=True/WaitingForTurn", "Published=True/Published", "Ready=False/ActiveRegionFailing"}},
		{"service refused", func(f *facts) { f.publication = publication{reason: llmv1alpha1.ReasonServiceRefused} },
			[]string{"Published=False/ServiceRefused", "Ready=False/Stalled", "Stalled=True/ServiceRefused"}},
		{"conflicted", func(f *facts) { f.publication = publication{reason: llmv1alpha1.ReasonConflicted} },
			[]string{"Published=False/Conflicted", "Ready=False/Stalled", "Stalled=True/Conflicted"}},
		{"others share the traffic", func(f *facts) {
			f.publication = publication{reason: llmv1alpha1.ReasonForeignEndpoints, shows: true}
		}, []string{"Published=False/ForeignEndpoints", "Ready=False/NotPublished"}},
		{"an endpoint that cannot be used", func(f *facts) { f.view.Unfit[1] = failover.ClusterIPEndpoint },
			[]string{"Published=True/Published", "Ready=True/Serving", "Stalled=True/ClusterIPEndpoint"}},
		{"an endpoint that could not be used before a restart", func(f *facts) {
			f.view.Known[1] = false
			before(f, llmv1alpha1.ConditionStalled, llmv1alpha1.ReasonClusterIPEndpoint, metav1.ConditionTrue)
		}, []string{"Published=True/Published", "Ready=True/Serving", "Stalled=True/ClusterIPEndpoint"}},
		{"an endpoint that can be used again", func(f *facts) {
			before(f, llmv1alpha1.ConditionStalled, llmv1alpha1.ReasonClusterIPEndpoint, metav1.ConditionTrue)
		}, []string{"Published=True/Published", "Ready=True/Serving"}},
		{"inconclusive", func(f *facts) { f.view.Inconclusive[0] = true },
			[]string{"ProbeInconclusive=True/NoReadableAnswer", "Published=True/Published", "Ready=True/Serving"}},
		{"only one region", func(f *facts) { f.config.Regions = f.config.Regions[:1] },
			[]string{"Degraded=True/NoSecondary", "Published=True/Published", "Ready=True/Serving"}},
		{"the active region has left the spec", func(f *facts) { f.backend.Status.ActiveRegion = "gone" },
			[]string{"ActiveRegionRemoved=True/NotInSpec", "FailedOver=True/FailedOver", "Published=True/Published", "Ready=False/ActiveRegionFailing"}},
		{"paused", func(f *facts) {
			f.view.Paused = true
			f.backend.Annotations = map[string]string{llmv1alpha1.PausedAnnotation: "true"}
		}, []string{"Paused=True/PausedByAnnotation", "Published=True/Published", "Ready=True/Serving"}},
		{"paused for a time", func(f *facts) {
			f.view.Paused = true
			f.backend.Annotations = map[string]string{llmv1alpha1.PausedAnnotation: "2026-11-23T11:00:00Z"}
		}, []string{"Paused=True/PausedUntil", "Published=True/Published", "Ready=True/Serving"}},
		{"unreadable pause", func(f *facts) {
			f.view.Paused = true
			f.backend.Annotations = map[string]string{llmv1alpha1.PausedAnnotation: "yes"}
		}, []string{"Paused=True/InvalidPauseValue", "Published=True/Published", "Ready=True/Serving"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in, _, err := inputOf(chat(), nil, nil, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			b := chat()
			b.Status.ActiveRegion = "us-east"
			b.Status.Regions = []llmv1alpha1.RegionStatus{
				{Name: "us-east", Breaker: llmv1alpha1.BreakerStatus{State: llmv1alpha1.BreakerClosed}},
				{Name: "eu-west", Breaker: llmv1alpha1.BreakerStatus{State: llmv1alpha1.BreakerClosed}},
			}
			f := facts{backend: b, config: in.Config, publication: published, view: failover.View{Known: all}}
			test.edit(&f)
			setConditions(f)
			var got []string
			for _, c := range b.Status.Conditions {
				got = append(got, fmt.Sprintf("%s=%s/%s", c.Type, c.Status, c.Reason))
				if c.ObservedGeneration != b.Generation {
					t.Errorf("condition %s has observedGeneration %d, want %d", c.Type, c.ObservedGeneration, b.Generation)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
		})
	}
}

// Every fault that a person has to put right is a reason, and says how.
func TestUnfitFaultsAreExplained(t *testing.T) {
	for f := failover.AddressFamily; f <= failover.PublishedService; f++ {
		if unfitReasons[f] != f.String() || unfitAdvice[f] == "" {
			t.Errorf("%v: reason %q, advice %q", f, unfitReasons[f], unfitAdvice[f])
		}
	}
}
