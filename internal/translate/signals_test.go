// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/signals/prometheus"
)

func TestSignal(t *testing.T) {
	b := chat()
	if got := Signal(b); got != nil {
		t.Errorf("%+v without spec.signals", got)
	}
	b.Spec.Signals.Prometheus = llmv1alpha1.PrometheusSignal{
		Server: "http://prometheus:9090", ErrorRatio: "bad{${selector}}[${window}]", Total: "all{${selector}}",
		Window: "90s", Period: "15s", MinCalls: 10, FailurePercent: 50,
		Selectors: []llmv1alpha1.RegionSelector{{Region: "us-east", Matchers: `job="a"`}, {Region: "elsewhere", Matchers: `job="b"`}},
	}
	want := &prometheus.Signal{
		Server: "http://prometheus:9090", Window: 90 * time.Second, Period: 15 * time.Second, MinCalls: 10, FailurePercent: 50,
		Regions: []prometheus.Region{
			{Name: "us-east", ErrorRatio: `bad{job="a"}[90000ms]`, Total: `all{job="a"}`},
			{Name: "eu-west", ErrorRatio: `bad{region="eu-west"}[90000ms]`, Total: `all{region="eu-west"}`},
		},
	}
	if diff := cmp.Diff(want, Signal(b)); diff != "" {
		t.Errorf("signal (-want +got):\n%s", diff)
	}
}

// Every preset of the API is one that there are queries for.
func TestSignalPresets(t *testing.T) {
	for _, preset := range []llmv1alpha1.SignalPreset{
		llmv1alpha1.SignalEnvoy, llmv1alpha1.SignalIstio, llmv1alpha1.SignalLiteLLM, llmv1alpha1.SignalVLLM,
	} {
		b := chat()
		b.Spec.Signals.Prometheus = llmv1alpha1.PrometheusSignal{Server: "http://p", Preset: preset, Window: "1m"}
		for _, r := range Signal(b).Regions {
			if r.Bad == "" || r.Total == "" || len(r.Bad) > prometheus.MaxQuery {
				t.Errorf("%s: %+v", preset, r)
			}
		}
	}
}
