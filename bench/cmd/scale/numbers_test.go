// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	var times []time.Duration
	for i := range 200 {
		times = append(times, time.Duration(200-i))
	}
	for p, want := range map[float64]time.Duration{50: 100, 99: 198, 100: 200} {
		if got := percentile(times, p); got != want {
			t.Errorf("percentile %v of 1 to 200 is %d, want %d", p, got, want)
		}
	}
	if got := percentile(nil, 99); got != 0 {
		t.Errorf("percentile of nothing is %d, want 0", got)
	}
}

func TestMetricsAreSummedByLabel(t *testing.T) {
	all := parseMetrics(`# TYPE apiserver_request_total counter
apiserver_request_total{code="200",resource="llmbackends",verb="PATCH"} 3
apiserver_request_total{code="409",resource="llmbackends",verb="PATCH"} 1e+01
apiserver_request_total{code="200",resource="llmbackends",verb="WATCH"} 5
go_goroutines 42
`)
	if got := sum(all, func(s series) bool { return s.has("verb", "PATCH") }); got != 13 {
		t.Errorf("PATCH: %d, want 13", got)
	}
	if got := sum(all, func(s series) bool { return s.name == "go_goroutines" }); got != 42 {
		t.Errorf("go_goroutines: %d, want 42", got)
	}
}

func TestAddressesAndNamesTellTheBackend(t *testing.T) {
	for _, b := range []backend{0, 255, 256, maxBackends - 1} {
		if got := numberOf(b.address(secondaryNetwork)); got != b {
			t.Errorf("address %s is of %d, want %d", b.address(secondaryNetwork), got, b)
		}
		if got, ok := parseName(b.name() + "-breakwater-ipv4"); !ok || got != b {
			t.Errorf("the slice of %s is of %d", b.name(), got)
		}
	}
	if _, ok := parseName("kubernetes"); ok {
		t.Error("kubernetes is no name of an LLMBackend here")
	}
}
