// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/metrics"
	"github.com/breakwater-dev/breakwater/internal/probe"
)

// measured is a running backend behind a registry that a scrape reads.
func measured(t *testing.T) (*running, *registry, *prometheus.Registry) {
	meter := newMeter()
	r := runPrepared(t, func(b *backend) { b.meter = meter })
	backends := newRegistry()
	backends.entries[types.NamespacedName{Namespace: "apps", Name: "chat"}] = &entry{backend: r.backend}
	scraped := prometheus.NewPedanticRegistry()
	if err := registerMetrics(scraped, &Reconciler{Meter: meter, backends: backends}); err != nil {
		t.Fatal(err)
	}
	return r, backends, scraped
}

func TestMetricsOfAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, backends, scraped := measured(t)
		defer r.backend.stop()
		r.until(t, 31*time.Second) // 7 probes of each region
		r.prober.set(east, 503)
		r.until(t, 20*time.Second)

		const want = `
			# HELP breakwater_active_region_info Always 1: the region that traffic goes to, and whether it is the primary, a secondary or removed from the spec.
			# TYPE breakwater_active_region_info gauge
			breakwater_active_region_info{llmbackend="chat",namespace="apps",region="eu-west",role="secondary"} 1
			# HELP breakwater_breaker_state State of the region's circuit breaker: 0 is Closed, 1 is Open, 2 is HalfOpen.
			# TYPE breakwater_breaker_state gauge
			breakwater_breaker_state{llmbackend="chat",namespace="apps",region="eu-west"} 0
			breakwater_breaker_state{llmbackend="chat",namespace="apps",region="us-east"} 1
			# HELP breakwater_transition_seq Number of the newest transition: it never goes down, also over a restart of the operator.
			# TYPE breakwater_transition_seq gauge
			breakwater_transition_seq{llmbackend="chat",namespace="apps"} 2
			# HELP breakwater_transitions_total Transitions since this replica began to lead.
			# TYPE breakwater_transitions_total counter
			breakwater_transitions_total{llmbackend="chat",namespace="apps",reason="BreakerOpen",type="FailedOver"} 1
			breakwater_transitions_total{llmbackend="chat",namespace="apps",reason="Status5xx",type="BreakerOpened"} 1
		`
		if err := testutil.GatherAndCompare(scraped, strings.NewReader(want), "breakwater_active_region_info", "breakwater_breaker_state",
			"breakwater_transition_seq", "breakwater_transitions_total", "breakwater_holding"); err != nil {
			t.Error(err)
		}
		if counted, made := probesIn(t, scraped), r.prober.count(east)+r.prober.count(west); counted != made {
			t.Errorf("%d probes are counted, want the %d that were made", counted, made)
		}

		backends.remove(types.NamespacedName{Namespace: "apps", Name: "chat"})
		if left, err := testutil.GatherAndCount(scraped, "breakwater_active_region_info", "breakwater_breaker_state",
			"breakwater_probes_total", "breakwater_probe_seconds_total", "breakwater_transitions_total", "breakwater_transition_seq",
			"breakwater_last_transition_timestamp_seconds", "breakwater_active_region_since_timestamp_seconds"); err != nil || left != 0 {
			t.Errorf("%d series are left of an LLMBackend that is gone (%v), want 0", left, err)
		}
	})
}

// probesIn returns how many probes the scrape counts, and checks that both metrics of them agree.
func probesIn(t *testing.T, scraped prometheus.Gatherer) int {
	t.Helper()
	families, err := scraped.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var perRegion, all int
	for _, f := range families {
		for _, m := range f.GetMetric() {
			switch f.GetName() {
			case "breakwater_probes_total":
				perRegion += int(m.GetCounter().GetValue())
			case "breakwater_probe_duration_seconds":
				all += int(m.GetHistogram().GetSampleCount())
			}
		}
	}
	if perRegion != all {
		t.Errorf("%d probes by region, %d in the histogram", perRegion, all)
	}
	return perRegion
}

func TestMetricsOfAHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, scraped := measured(t)
		defer r.backend.stop()
		conditions := func(reason string) []metav1.Condition {
			return []metav1.Condition{{Type: llmv1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason}}
		}
		r.backend.noteConditions(conditions(llmv1alpha1.ReasonNotPublished))
		r.prober.set(east, 503)
		r.prober.set(west, 503)
		r.until(t, time.Minute)
		r.backend.noteConditions(conditions(llmv1alpha1.ReasonNoHealthyRegion))
		r.backend.noteConditions(conditions(llmv1alpha1.ReasonNoHealthyRegion))
		const want = `
			# HELP breakwater_holding 1 while traffic is held on a region that fails, and absent otherwise.
			# TYPE breakwater_holding gauge
			breakwater_holding{llmbackend="chat",namespace="apps",reason="NoHealthyRegion"} 1
			# HELP breakwater_holds_total Holds that the status has told of since this replica began to lead.
			# TYPE breakwater_holds_total counter
			breakwater_holds_total{llmbackend="chat",namespace="apps",reason="NoHealthyRegion"} 1
			# HELP breakwater_condition Always 1: a condition of the status.
			# TYPE breakwater_condition gauge
			breakwater_condition{llmbackend="chat",namespace="apps",reason="NoHealthyRegion",status="False",type="Ready"} 1
		`
		if err := testutil.GatherAndCompare(scraped, strings.NewReader(want), "breakwater_holding", "breakwater_holds_total", "breakwater_condition"); err != nil {
			t.Error(err)
		}
	})
}

// TestDurationsOfAFailover: the three stages of a failover, each measured from where it begins.
func TestDurationsOfAFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		scraped := prometheus.NewPedanticRegistry()
		r := &Reconciler{Meter: newMeter(), backends: newRegistry()}
		if err := registerMetrics(scraped, r); err != nil {
			t.Fatal(err)
		}
		failed := time.Now()
		time.Sleep(4 * time.Second)
		opened := time.Now()
		time.Sleep(time.Second)
		s := &scope{entry: &entry{}, plan: failover.Plan{
			Transitions: []failover.Transition{{Type: failover.BreakerOpened}, {Type: failover.FailedOver}},
			Outage:      failover.Outage{FirstFailure: failed, Opened: opened},
		}}
		r.noteDecision(s)
		time.Sleep(2 * time.Second)
		r.notePublished(s)
		r.notePublished(s) // published already

		families, err := scraped.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]float64{}
		for _, f := range families {
			if h := f.GetMetric()[0].GetHistogram(); h.GetSampleCount() == 1 {
				got[f.GetName()] = h.GetSampleSum()
			}
		}
		want := map[string]float64{
			"breakwater_decision_duration_seconds": 1, "breakwater_publish_duration_seconds": 2, "breakwater_failover_duration_seconds": 7,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("seconds (-want +got):\n%s", diff)
		}
	})
}

// conflicting is an API server on which somebody else has always written before.
type conflicting struct{ client.Client }

func (conflicting) Status() client.SubResourceWriter { return conflictingStatus{} }

type conflictingStatus struct{ client.SubResourceWriter }

func (conflictingStatus) Patch(context.Context, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
	return apierrors.NewConflict(schema.GroupResource{}, "chat", nil)
}

func TestRefusedWritesAndEventsAreCounted(t *testing.T) {
	scraped := prometheus.NewPedanticRegistry()
	r := &Reconciler{Client: conflicting{}, Meter: newMeter(), backends: newRegistry()}
	if err := registerMetrics(scraped, r); err != nil {
		t.Fatal(err)
	}
	s := &scope{entry: &entry{backend: &backend{}}, stored: chat()}
	next := s.stored.DeepCopy()
	next.Status.TransitionSeq++
	if _, err := r.writeStatus(t.Context(), s, next); !apierrors.IsConflict(err) {
		t.Fatalf("got error %v, want a conflict", err)
	}
	events := newPacedRecorder(nil, nil)
	events.dropped = r.Meter.EventDropped
	for range maxWaitingEvents + 2 {
		events.Eventf(nil, nil, "Normal", "Reason", "Action", "note")
	}
	const want = `
		# HELP breakwater_conflicts_total Writes that the API server refused because somebody else had written before, by what was written.
		# TYPE breakwater_conflicts_total counter
		breakwater_conflicts_total{kind="EndpointSlice"} 0
		breakwater_conflicts_total{kind="LLMBackend"} 1
		# HELP breakwater_events_dropped_total Events that were left out because too many came at once.
		# TYPE breakwater_events_dropped_total counter
		breakwater_events_dropped_total 2
	`
	if err := testutil.GatherAndCompare(scraped, strings.NewReader(want), "breakwater_conflicts_total", "breakwater_events_dropped_total"); err != nil {
		t.Error(err)
	}
}

// TestReasonsAreKnown: no reason that the decision gives is counted as Other.
func TestReasonsAreKnown(t *testing.T) {
	for _, fault := range faults {
		if reason := (failover.Outcome{Fault: fault}).Reason(); metrics.BoundedReason(reason) == "Other" {
			t.Errorf("reason %s is not in the closed set", reason)
		}
	}
	for _, reason := range []string{llmv1alpha1.ReasonNoHealthyRegion, "BreakerOpen", "ActiveRegionRemoved", "PreferredRegionHealthy", "Requested"} {
		if metrics.BoundedReason(reason) == "Other" {
			t.Errorf("reason %s is not in the closed set", reason)
		}
	}
}

func BenchmarkNoteProbe(b *testing.B) {
	backend, e := &backend{meter: newMeter()}, &regionEndpoint{target: &probe.Target{Type: probe.HTTP}}
	b.ReportAllocs()
	for b.Loop() {
		backend.noteProbe(e, failover.Outcome{Class: failover.Success}, time.Millisecond)
	}
}
