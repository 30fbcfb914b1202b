// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func failedOver() *Backend {
	since := time.UnixMicro(1_700_000_000_500_000)
	b := &Backend{
		Namespace: "apps", Name: "chat", ActiveRegion: "eu-west", Role: RoleSecondary, ActiveSince: since,
		TransitionSeq: 2, LastTransition: since, Holds: []string{"NoHealthyRegion"}, LimitedUntil: since.Add(time.Hour),
		Regions:     []Region{{Name: "us-east", Breaker: Open, MinDuration: time.Minute}, {Name: "eu-west"}},
		Conditions:  []Condition{{"Ready", "False", "NoHealthyRegion"}},
		Transitions: Add(Add(Add(nil, "BreakerOpened", "Status5xx"), "FailedOver", "BreakerOpen"), "BreakerOpened", "Status5xx"),
		HoldsBegun:  Add(nil, "", "NoHealthyRegion"),
	}
	b.Regions[0].Spend = &Spend{Completions: 3, Tokens: 60}
	b.Regions[0].Probes.Count(Failure, time.Second)
	b.Regions[0].Probes.Count(Success, time.Second)
	return b
}

func TestBackends(t *testing.T) {
	there := []*Backend{failedOver(), {Namespace: "apps", Name: "new"}}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewBackends(func(show func(*Backend)) {
		for _, b := range there {
			show(b)
		}
	}))
	const want = `
		# HELP breakwater_active_region_info Always 1: the region that traffic goes to, and whether it is the primary, a secondary or removed from the spec.
		# TYPE breakwater_active_region_info gauge
		breakwater_active_region_info{llmbackend="chat",namespace="apps",region="eu-west",role="secondary"} 1
		# HELP breakwater_active_region_since_timestamp_seconds When traffic was sent to the active region.
		# TYPE breakwater_active_region_since_timestamp_seconds gauge
		breakwater_active_region_since_timestamp_seconds{llmbackend="chat",namespace="apps"} 1.7000000005e+09
		# HELP breakwater_breaker_state State of the region's circuit breaker: 0 is Closed, 1 is Open, 2 is HalfOpen.
		# TYPE breakwater_breaker_state gauge
		breakwater_breaker_state{llmbackend="chat",namespace="apps",region="eu-west"} 0
		breakwater_breaker_state{llmbackend="chat",namespace="apps",region="us-east"} 1
		# HELP breakwater_condition Always 1: a condition of the status.
		# TYPE breakwater_condition gauge
		breakwater_condition{llmbackend="chat",namespace="apps",reason="NoHealthyRegion",status="False",type="Ready"} 1
		# HELP breakwater_failover_limited_until_timestamp_seconds When spec.failover.maxPerHour allows a failover again; absent while it allows one.
		# TYPE breakwater_failover_limited_until_timestamp_seconds gauge
		breakwater_failover_limited_until_timestamp_seconds{llmbackend="chat",namespace="apps"} 1.7000036005e+09
		# HELP breakwater_flapping_min_duration_seconds For how long at least traffic stays away from a region that flaps; absent for others.
		# TYPE breakwater_flapping_min_duration_seconds gauge
		breakwater_flapping_min_duration_seconds{llmbackend="chat",namespace="apps",region="us-east"} 60
		# HELP breakwater_holding 1 while traffic is held on a region that fails, and absent otherwise.
		# TYPE breakwater_holding gauge
		breakwater_holding{llmbackend="chat",namespace="apps",reason="NoHealthyRegion"} 1
		# HELP breakwater_holds_total Holds that the status has told of since this replica began to lead.
		# TYPE breakwater_holds_total counter
		breakwater_holds_total{llmbackend="chat",namespace="apps",reason="NoHealthyRegion"} 1
		# HELP breakwater_last_transition_timestamp_seconds When the newest transition was; before the first, when traffic was sent to the active region.
		# TYPE breakwater_last_transition_timestamp_seconds gauge
		breakwater_last_transition_timestamp_seconds{llmbackend="chat",namespace="apps"} 1.7000000005e+09
		# HELP breakwater_llmbackends LLMBackends that this replica works for; 0 while it does not lead.
		# TYPE breakwater_llmbackends gauge
		breakwater_llmbackends 2
		# HELP breakwater_probe_completions_total Completions that probes of the region asked for. There only for regions that may be asked for them.
		# TYPE breakwater_probe_completions_total counter
		breakwater_probe_completions_total{llmbackend="chat",namespace="apps",region="us-east"} 3
		# HELP breakwater_probe_tokens_total Tokens that these completions took; 128 for each of which the server did not say.
		# TYPE breakwater_probe_tokens_total counter
		breakwater_probe_tokens_total{llmbackend="chat",namespace="apps",region="us-east"} 60
		# HELP breakwater_probe_seconds_total How long all probes of the region took together: divided by their number, how long one takes.
		# TYPE breakwater_probe_seconds_total counter
		breakwater_probe_seconds_total{llmbackend="chat",namespace="apps",region="eu-west"} 0
		breakwater_probe_seconds_total{llmbackend="chat",namespace="apps",region="us-east"} 2
		# HELP breakwater_probes_total Probes of the region by what they told. Outcomes other than Success appear with the first of them.
		# TYPE breakwater_probes_total counter
		breakwater_probes_total{llmbackend="chat",namespace="apps",outcome="Failure",region="us-east"} 1
		breakwater_probes_total{llmbackend="chat",namespace="apps",outcome="Success",region="eu-west"} 0
		breakwater_probes_total{llmbackend="chat",namespace="apps",outcome="Success",region="us-east"} 1
		# HELP breakwater_transition_seq Number of the newest transition: it never goes down, also over a restart of the operator.
		# TYPE breakwater_transition_seq gauge
		breakwater_transition_seq{llmbackend="chat",namespace="apps"} 2
		# HELP breakwater_transitions_total Transitions since this replica began to lead.
		# TYPE breakwater_transitions_total counter
		breakwater_transitions_total{llmbackend="chat",namespace="apps",reason="BreakerOpen",type="FailedOver"} 1
		breakwater_transitions_total{llmbackend="chat",namespace="apps",reason="Status5xx",type="BreakerOpened"} 2
	`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	there = nil
	if n, err := testutil.GatherAndCount(registry); err != nil || n != 1 {
		t.Errorf("%d series without LLMBackends (%v), want breakwater_llmbackends alone", n, err)
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
}

func TestBoundedReason(t *testing.T) {
	tests := map[string]string{
		"Timeout": "Timeout", "BreakerOpen": "BreakerOpen", "Status503": "Status5xx", "Status429": "Status4xx",
		"Status999": "Other", "Status50": "Other", "StatusABC": "Other", "": "Other", "made-up-by-a-server": "Other",
	}
	for reason, want := range tests {
		if got := BoundedReason(reason); got != want {
			t.Errorf("%q: got %s, want %s", reason, got, want)
		}
	}
}

// TestProbesAllocateNothing: counting and observing are on the path of every probe.
func TestProbesAllocateNothing(t *testing.T) {
	operator := NewOperator("HTTP")
	var p Probes
	operator.Probed("HTTP", Success, time.Millisecond) // the native histogram makes its bucket
	if n := testing.AllocsPerRun(1000, func() {
		p.Count(Success, time.Millisecond)
		operator.Probed("HTTP", Success, time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations for a probe, want 0", n)
	}
}

// TestDocumented compares docs/metrics.md with all that is registered.
func TestDocumented(t *testing.T) {
	operator := NewOperator("HTTP")
	descs := make(chan *prometheus.Desc, 100)
	for _, c := range []prometheus.Collector{
		NewBackends(nil), operator.probeDuration, operator.probeFailures, operator.decision, operator.publish, operator.failover,
		operator.conflicts, operator.eventsDropped, operator.waiting,
	} {
		c.Describe(descs)
	}
	close(descs)
	want := map[string]bool{"breakwater_build_info": true} // of cmd/manager
	for d := range descs {
		var name string
		if _, err := fmt.Sscanf(d.String(), "Desc{fqName: %q", &name); err != nil {
			t.Fatal(err)
		}
		want[name] = true
	}
	file, err := os.Open("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	got := map[string]bool{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if row, ok := strings.CutPrefix(lines.Text(), "| `breakwater_"); ok {
			name, _, _ := strings.Cut(row, "`")
			got["breakwater_"+name] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("docs/metrics.md names other metrics than there are (-there +documented):\n%s", diff)
	}
}

func BenchmarkProbe(b *testing.B) {
	operator := NewOperator("HTTP")
	var p Probes
	b.Run("count", func(b *testing.B) {
		for b.Loop() {
			p.Count(Success, time.Millisecond)
		}
	})
	b.Run("observe", func(b *testing.B) {
		for b.Loop() {
			operator.Probed("HTTP", Success, time.Millisecond)
		}
	})
}

// BenchmarkScrape is a scrape of 10,000 LLMBackends of two regions, without the text that is made of it.
func BenchmarkScrape(b *testing.B) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(NewBackends(func(show func(*Backend)) {
		one := failedOver()
		one.Transitions, one.Holds, one.HoldsBegun = nil, nil, nil
		for i := range 10_000 {
			one.Name = fmt.Sprintf("chat-%d", i)
			show(one)
		}
	}))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := registry.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
