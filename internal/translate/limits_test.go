// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
)

func TestAdaptiveOf(t *testing.T) {
	tuned := &llmv1alpha1.AdaptiveSpec{
		LowFailurePercent: 1, HighFailurePercent: 2, MinFailureThreshold: 3, MaxFailureThreshold: 4,
		MinOpenDuration: "5s", MaxOpenDuration: "6m",
	}
	defaults := failover.DefaultAdaptive()
	for _, test := range []struct {
		name string
		spec llmv1alpha1.BreakerSpec
		want *failover.AdaptiveConfig
	}{
		{"Fixed", llmv1alpha1.BreakerSpec{Mode: llmv1alpha1.BreakerFixed}, nil},
		{"Adaptive", llmv1alpha1.BreakerSpec{Mode: llmv1alpha1.BreakerAdaptive}, &defaults},
		{"tuned", llmv1alpha1.BreakerSpec{Mode: llmv1alpha1.BreakerAdaptive, Adaptive: tuned}, &failover.AdaptiveConfig{
			LowFailurePercent: 1, HighFailurePercent: 2, MinFailureThreshold: 3, MaxFailureThreshold: 4,
			MinOpenDuration: 5 * time.Second, MaxOpenDuration: 6 * time.Minute,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := chat()
			b.Spec.Breaker.Mode, b.Spec.Breaker.Adaptive = test.spec.Mode, test.spec.Adaptive
			in, _, err := Input(b, nil, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, in.Config.Regions[1].Breaker.Adaptive); diff != "" {
				t.Errorf("bounds (-want +got):\n%s", diff)
			}
		})
	}
}

// A region that is not in the spec any more goes by nothing.
func TestWriteLimits(t *testing.T) {
	shown := llmv1alpha1.BreakerStatus{EffectiveFailureThreshold: 7, EffectiveOpenDuration: "7s"}
	s := llmv1alpha1.LLMBackendStatus{Regions: []llmv1alpha1.RegionStatus{
		{Name: "us-east", Breaker: shown}, {Name: "eu-west", Breaker: shown}, {Name: "gone", Breaker: shown},
	}}
	WriteLimits(&s, []failover.RegionConfig{{Name: "eu-west"}, {Name: "us-east"}}, []failover.Limits{
		{FailureThreshold: 10, OpenDuration: 24 * time.Hour}, {},
	})
	want := []llmv1alpha1.RegionStatus{
		{Name: "us-east"},
		{Name: "eu-west", Breaker: llmv1alpha1.BreakerStatus{EffectiveFailureThreshold: 10, EffectiveOpenDuration: "24h0m0s"}},
		{Name: "gone"},
	}
	if diff := cmp.Diff(want, s.Regions); diff != "" {
		t.Errorf("regions (-want +got):\n%s", diff)
	}
}

// Writing a record leaves what is shown of limits as it is.
func TestRecordKeepsLimits(t *testing.T) {
	s := llmv1alpha1.LLMBackendStatus{Regions: []llmv1alpha1.RegionStatus{
		{Name: "gone", Breaker: llmv1alpha1.BreakerStatus{EffectiveFailureThreshold: 7}},
		{Name: "us-east", Breaker: llmv1alpha1.BreakerStatus{EffectiveFailureThreshold: 10, EffectiveOpenDuration: "1m12s"}},
	}}
	WriteRecord(&s, failover.Record{Regions: []failover.RegionRecord{{Name: "us-east"}, {Name: "new"}}})
	want := []llmv1alpha1.RegionStatus{
		{Name: "us-east", Breaker: llmv1alpha1.BreakerStatus{
			State: llmv1alpha1.BreakerClosed, EffectiveFailureThreshold: 10, EffectiveOpenDuration: "1m12s",
		}},
		{Name: "new", Breaker: llmv1alpha1.BreakerStatus{State: llmv1alpha1.BreakerClosed}},
	}
	if diff := cmp.Diff(want, s.Regions); diff != "" {
		t.Errorf("regions (-want +got):\n%s", diff)
	}
}
