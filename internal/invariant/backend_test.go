// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package invariant

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

func chat() *llmv1alpha1.LLMBackend {
	when := metav1.NewMicroTime(at(8))
	return &llmv1alpha1.LLMBackend{
		ObjectMeta: metav1.ObjectMeta{UID: "uid", Annotations: map[string]string{
			llmv1alpha1.ResetAnnotation:             "1",
			llmv1alpha1.SwitchToAnnotation:          "local",
			llmv1alpha1.SwitchRequestedAtAnnotation: "2",
		}},
		Spec: llmv1alpha1.LLMBackendSpec{
			Primary: llmv1alpha1.Region{Name: "us-east", Endpoint: llmv1alpha1.Endpoint{URL: "http://10.0.0.1:8000"}},
			Secondaries: []llmv1alpha1.Region{{
				Name: "local", Endpoint: llmv1alpha1.Endpoint{URL: "http://vllm"},
				Probe: &llmv1alpha1.ProbeOverride{Period: new(llmv1alpha1.Duration("9s")), Timeout: new(llmv1alpha1.Duration("8s"))},
			}},
			Probe:    llmv1alpha1.ProbeSpec{Period: "5s", Timeout: "3s"},
			Breaker:  llmv1alpha1.BreakerSpec{FailureThreshold: 5, RetryAfterThreshold: "2m"},
			Failover: llmv1alpha1.FailoverSpec{Mode: llmv1alpha1.FailoverObserve, MinDuration: "30s", Failback: llmv1alpha1.FailbackManual},
		},
		Status: llmv1alpha1.LLMBackendStatus{
			ActiveRegion: "local", TransitionSeq: 9, ActiveSeq: 8, ActiveSince: &when, PublishedSeq: new(int64(8)), PinnedRegion: "local",
			Regions: []llmv1alpha1.RegionStatus{
				{Name: "us-east", Breaker: llmv1alpha1.BreakerStatus{State: llmv1alpha1.BreakerOpen, Since: &when}},
				{Name: "local", Breaker: llmv1alpha1.BreakerStatus{State: llmv1alpha1.BreakerClosed}},
			},
			History: []llmv1alpha1.Transition{
				{Seq: 9, Time: when, Type: "BreakerOpened", Region: "us-east"},
				{Seq: 8, Time: when, Type: "SwitchedOver", From: "us-east", To: "local"},
			},
			LastHandledReset: "1", LastHandledSwitch: "2",
		},
	}
}

func TestFromBackend(t *testing.T) {
	spec, orders, record := FromBackend(chat())
	wantSpec := Spec{
		Mode: Observe, MinDuration: 30 * time.Second, ManualFailback: true,
		Regions: []Region{
			{Name: "us-east", Period: 5 * time.Second, Timeout: 3 * time.Second, FailureThreshold: 5,
				RetryAfterThreshold: 2 * time.Minute, Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.1")}},
			{Name: "local", Period: 9 * time.Second, Timeout: 8 * time.Second, FailureThreshold: 5,
				RetryAfterThreshold: 2 * time.Minute},
		},
	}
	wantRecord := Record{
		UID: "uid", ActiveRegion: "local", TransitionSeq: 9, ActiveSeq: 8, ActiveSince: at(8), PublishedSeq: new(int64(8)), Pinned: true,
		Breakers: []Breaker{{Region: "us-east", Open: true, Since: at(8)}, {Region: "local"}},
		History: []Transition{
			{Seq: 9, Time: at(8), Type: BreakerOpened, Region: "us-east"},
			{Seq: 8, Time: at(8), Type: SwitchedOver, From: "us-east", To: "local"},
		},
		HandledReset: "1", HandledSwitch: "2",
	}
	if diff := cmp.Diff(wantSpec, spec, cmpopts.IgnoreFields(Region{}, "Identity"), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(OrderSet{Reset: "1", Switch: "2", SwitchTo: "local"}, orders); diff != "" {
		t.Errorf("orders (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantRecord, record); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

// An edit of endpoint or probe makes what was known void, and no other edit does.
func TestIdentity(t *testing.T) {
	tests := []struct {
		name    string
		edit    func(*llmv1alpha1.LLMBackend)
		another bool
	}{
		{"nothing", func(*llmv1alpha1.LLMBackend) {}, false},
		{"endpoint", func(b *llmv1alpha1.LLMBackend) { b.Spec.Primary.Endpoint.URL = "http://10.0.0.2:8000" }, true},
		{"path", func(b *llmv1alpha1.LLMBackend) { b.Spec.Probe.HTTP.Path = "/ready" }, true},
		{"host", func(b *llmv1alpha1.LLMBackend) { b.Spec.Service.Hostname = "chat.example.com" }, true},
		{"period", func(b *llmv1alpha1.LLMBackend) { b.Spec.Probe.Period = "7s" }, false},
		{"threshold", func(b *llmv1alpha1.LLMBackend) { b.Spec.Breaker.FailureThreshold = 9 }, false},
	}
	before, _, _ := FromBackend(chat())
	for _, tt := range tests {
		b := chat()
		tt.edit(b)
		after, _, _ := FromBackend(b)
		if got := after.Regions[0].Identity != before.Regions[0].Identity; got != tt.another {
			t.Errorf("%s: another identity: %v, want %v", tt.name, got, tt.another)
		}
	}
}

func TestPauseAndTokens(t *testing.T) {
	until := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	long := strings.Repeat("x", 128)
	tests := []struct {
		annotation, value string
		want              OrderSet
	}{
		{llmv1alpha1.PausedAnnotation, "true", OrderSet{Paused: true}},
		{llmv1alpha1.PausedAnnotation, "false", OrderSet{}},
		{llmv1alpha1.PausedAnnotation, "2026-11-23T12:00:00Z", OrderSet{Paused: true, PausedUntil: until}},
		{llmv1alpha1.PausedAnnotation, "a while", OrderSet{Paused: true}},
		{llmv1alpha1.ResetAnnotation, long, OrderSet{Reset: long}},
		// printf 'x%.0s' {1..129} | sha256sum
		{llmv1alpha1.ResetAnnotation, strings.Repeat("x", 129), OrderSet{Reset: "sha256:0ec9eb33e74510bcdd1f2ea55206e82f21649c5c2becbf2b433eb475b34c01bd"}},
	}
	for _, tt := range tests {
		b := &llmv1alpha1.LLMBackend{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{tt.annotation: tt.value}}}
		if _, got, _ := FromBackend(b); got != tt.want {
			t.Errorf("%s %q: %+v, want %+v", tt.annotation, tt.value, got, tt.want)
		}
	}
}
