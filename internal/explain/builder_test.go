// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// epoch is the present of all tests.
var epoch = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// edit changes the LLMBackend of a case.
type edit func(*llmv1alpha1.LLMBackend)

// backend returns an LLMBackend that has served from us-east for an hour, changed by edits.
func backend(t *testing.T, edits ...edit) *llmv1alpha1.LLMBackend {
	t.Helper()
	b := &llmv1alpha1.LLMBackend{
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "chat", Generation: 1, Annotations: map[string]string{}},
		Spec: llmv1alpha1.LLMBackendSpec{
			Probe:    llmv1alpha1.ProbeSpec{Period: "5s", SuspectPeriod: "1s", Timeout: "3s", SuccessThreshold: 1},
			Breaker:  llmv1alpha1.BreakerSpec{FailureThreshold: 5, OpenDuration: "60s", RetryAfterThreshold: "2m"},
			Failover: llmv1alpha1.FailoverSpec{Mode: llmv1alpha1.FailoverAutomatic, MinDuration: "30s", Failback: llmv1alpha1.FailbackAutomatic},
		},
		Status: llmv1alpha1.LLMBackendStatus{
			ObservedGeneration: 1, ActiveRegion: "us-east", ActiveEndpoint: "http://10.1.0.10:8000",
			ActiveSince: micro(-time.Hour), PublishedSeq: new(int64(0)),
		},
	}
	for i, name := range []string{"us-east", "eu-west", "local"} {
		r := llmv1alpha1.Region{Name: name, Endpoint: llmv1alpha1.Endpoint{URL: fmt.Sprintf("http://10.%d.0.10:8000", i+1)}}
		if i == 0 {
			b.Spec.Primary = r
		} else {
			b.Spec.Secondaries = append(b.Spec.Secondaries, r)
		}
		b.Status.Regions = append(b.Status.Regions, llmv1alpha1.RegionStatus{
			Name: name, Breaker: llmv1alpha1.BreakerStatus{State: llmv1alpha1.BreakerClosed, Since: micro(-time.Hour)},
		})
	}
	condition("Published", metav1.ConditionTrue, "Published", "")(b)
	condition("Ready", metav1.ConditionTrue, "Serving", "")(b)
	for _, e := range edits {
		e(b)
	}
	return b
}

// micro is a time of the status, from the present on.
func micro(d time.Duration) *metav1.MicroTime {
	return new(metav1.NewMicroTime(epoch.Add(d)))
}

func condition(kind string, status metav1.ConditionStatus, reason, message string) edit {
	return func(b *llmv1alpha1.LLMBackend) {
		meta.SetStatusCondition(&b.Status.Conditions, metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message})
	}
}

// open opens the breaker of a region; until is from the present on.
func open(name string, until time.Duration) edit {
	return func(b *llmv1alpha1.LLMBackend) {
		for i := range b.Status.Regions {
			if r := &b.Status.Regions[i]; r.Name == name {
				r.Breaker = llmv1alpha1.BreakerStatus{
					State: llmv1alpha1.BreakerOpen, Since: micro(-12 * time.Second), OpenUntil: micro(until),
					Reason: "Status503", OpenedBy: llmv1alpha1.OpenedByProbe,
				}
			}
		}
	}
}

// held is a region that asked to be left alone.
func held(name string, until time.Duration) edit {
	return func(b *llmv1alpha1.LLMBackend) {
		open(name, until)(b)
		for i := range b.Status.Regions {
			if r := &b.Status.Regions[i]; r.Name == name {
				r.Breaker.RetryAfterUntil = micro(until)
			}
		}
	}
}

// failedOver is at eu-west for 12 s, because us-east failed, which is tried in 48 s.
func failedOver(b *llmv1alpha1.LLMBackend) {
	open("us-east", 48*time.Second)(b)
	active("eu-west", 12*time.Second)(b)
	b.Status.History = []llmv1alpha1.Transition{
		{Seq: 2, Time: *micro(-12 * time.Second), Type: llmv1alpha1.TransitionFailedOver, From: "us-east", To: "eu-west",
			Reason: "BreakerOpen", Message: "traffic moves from region us-east to eu-west: its breaker is open"},
		{Seq: 1, Time: *micro(-12 * time.Second), Type: llmv1alpha1.TransitionBreakerOpened, Region: "us-east",
			Reason: "Status503", Message: "region us-east stopped serving (Status503, seen by probes)"},
	}
	condition("Ready", metav1.ConditionTrue, "ServingSecondary", "")(b)
	condition("FailedOver", metav1.ConditionTrue, "FailedOver", "")(b)
	condition("Degraded", metav1.ConditionTrue, "RegionsFailing", "failing: us-east")(b)
}

// hourly allows one failover in an hour.
func hourly(b *llmv1alpha1.LLMBackend) { b.Spec.Failover.MaxPerHour = 1 }

// active is a region that traffic has gone to for some time.
func active(name string, since time.Duration) edit {
	return func(b *llmv1alpha1.LLMBackend) {
		b.Status.ActiveRegion, b.Status.ActiveSince = name, micro(-since)
		b.Status.TransitionSeq, b.Status.ActiveSeq, b.Status.PublishedSeq = 2, 2, new(int64(2))
	}
}

// holds is what the operator says while no region answers.
func holds(b *llmv1alpha1.LLMBackend) {
	condition("Ready", metav1.ConditionFalse, "NoHealthyRegion", "region us-east fails and no other region answers")(b)
}

func annotated(pairs ...string) edit {
	return func(b *llmv1alpha1.LLMBackend) {
		for i := 0; i < len(pairs); i += 2 {
			b.Annotations[pairs[i]] = pairs[i+1]
		}
	}
}

func mode(m llmv1alpha1.FailoverMode) edit {
	return func(b *llmv1alpha1.LLMBackend) { b.Spec.Failover.Mode = m }
}

func pinned(b *llmv1alpha1.LLMBackend)         { b.Status.PinnedRegion = b.Status.ActiveRegion }
func manualFailback(b *llmv1alpha1.LLMBackend) { b.Spec.Failover.Failback = llmv1alpha1.FailbackManual }
func withoutSecondaries(b *llmv1alpha1.LLMBackend) {
	b.Spec.Secondaries = nil
	b.Status.Regions = b.Status.Regions[:1]
}

// stalled is what the operator says of a region that may not be used.
func stalled(name string) edit {
	return condition("Stalled", metav1.ConditionTrue, "AddressFamily", "region "+name+" is no candidate: it lacks an address")
}
