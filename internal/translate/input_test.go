// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/probe"
)

// chat returns an LLMBackend as the API server would hand it out, defaults applied.
func chat() *llmv1alpha1.LLMBackend {
	return &llmv1alpha1.LLMBackend{
		ObjectMeta: metav1.ObjectMeta{Name: "chat", Namespace: "apps", UID: "uid-1", Generation: 3},
		Spec: llmv1alpha1.LLMBackendSpec{
			Service: llmv1alpha1.ServiceSpec{Port: 80},
			Primary: llmv1alpha1.Region{Name: "us-east", Endpoint: llmv1alpha1.Endpoint{URL: "http://10.1.0.10:8000"}},
			Secondaries: []llmv1alpha1.Region{
				{Name: "eu-west", Endpoint: llmv1alpha1.Endpoint{URL: "http://vllm.example.com"}},
			},
			Probe: llmv1alpha1.ProbeSpec{
				Type: llmv1alpha1.ProbeHTTP, HTTP: llmv1alpha1.HTTPProbe{Path: "/health"}, Mode: llmv1alpha1.ProbeActive,
				Period: "5s", SuspectPeriod: "1s", Timeout: "3s", SuccessThreshold: 1,
			},
			Breaker: llmv1alpha1.BreakerSpec{
				FailureThreshold: 5, OpenDuration: "60s", RetryAfterThreshold: "2m", FailureStatusCodes: []int32{503},
			},
			Failover: llmv1alpha1.FailoverSpec{
				Mode: llmv1alpha1.FailoverAutomatic, MinDuration: "30s", Failback: llmv1alpha1.FailbackAutomatic,
			},
		},
	}
}

func TestInput(t *testing.T) {
	in, targets, err := Input(chat(), []probe.Family{probe.IPv4}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for i := range in.Config.Regions {
		r := &in.Config.Regions[i]
		if r.Probe.FirstAfter < 0 || r.Probe.FirstAfter >= r.Probe.Period {
			t.Errorf("region %s: first probe after %s, want within one period", r.Name, r.Probe.FirstAfter)
		}
		r.Probe.FirstAfter = 0
	}
	breaker := failover.BreakerConfig{
		FailureThreshold: 5, SuccessThreshold: 1, OpenDuration: time.Minute, RetryAfterThreshold: 2 * time.Minute,
	}
	schedule := failover.ProbeConfig{Period: 5 * time.Second, SuspectPeriod: time.Second}
	want := failover.Input{
		UID: "uid-1", Generation: 3,
		Config: failover.Config{
			MinDuration: 30 * time.Second, SuspectPeriod: time.Second,
			Regions: []failover.RegionConfig{
				{Name: "us-east", Identity: "HTTP http://10.1.0.10:8000/health as chat.apps.svc:80", Breaker: breaker, Probe: schedule},
				{Name: "eu-west", Identity: "HTTP http://vllm.example.com:80/health as chat.apps.svc:80", Breaker: breaker, Probe: schedule},
			},
		},
	}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
	wantTarget := probe.Target{
		Scheme: "http", Host: "vllm.example.com", Port: 80, Type: probe.HTTP, Path: "/health",
		Hostname: "chat.apps.svc", ServicePort: 80, Timeout: 3 * time.Second, Families: []probe.Family{probe.IPv4},
	}
	if diff := cmp.Diff(wantTarget, targets["eu-west"]); diff != "" {
		t.Errorf("target (-want +got):\n%s", diff)
	}
}

func TestTargetOf(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(*llmv1alpha1.LLMBackend)
		want func(*probe.Target)
	}{
		{"IPv6", func(b *llmv1alpha1.LLMBackend) { b.Spec.Primary.Endpoint.URL = "http://[fd00::10]:8000" },
			func(t *probe.Target) { t.Host = "fd00::10" }},
		{"https without port", func(b *llmv1alpha1.LLMBackend) { b.Spec.Primary.Endpoint.URL = "https://10.1.0.10" },
			func(t *probe.Target) { t.Scheme, t.Port = "https", 443 }},
		{"service and hostname", func(b *llmv1alpha1.LLMBackend) {
			b.Spec.Service = llmv1alpha1.ServiceSpec{Name: "models", Port: 8080, Hostname: "models.example.com"}
		}, func(t *probe.Target) { t.Hostname, t.ServicePort = "models.example.com", 8080 }},
		{"service without hostname", func(b *llmv1alpha1.LLMBackend) { b.Spec.Service.Name = "models" },
			func(t *probe.Target) { t.Hostname = "models.apps.svc" }},
		{"a Service", func(b *llmv1alpha1.LLMBackend) {
			b.Spec.Primary.Endpoint = llmv1alpha1.Endpoint{ServiceRef: llmv1alpha1.ServiceReference{
				Name: "vllm", Port: intstr.FromString("http"), Scheme: llmv1alpha1.SchemeHTTPS,
			}}
		}, func(t *probe.Target) { t.Scheme, t.Host, t.Port = "https", "", 0 }},
		{"override of some fields", func(b *llmv1alpha1.LLMBackend) {
			b.Spec.Primary.Probe = &llmv1alpha1.ProbeOverride{
				Type:    new(llmv1alpha1.ProbeTCP),
				HTTP:    &llmv1alpha1.HTTPProbeOverride{Path: new("/ready")},
				Timeout: new(llmv1alpha1.Duration("500ms")),
			}
		}, func(t *probe.Target) { t.Type, t.Path, t.Timeout = probe.TCP, "/ready", 500*time.Millisecond }},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := chat()
			test.edit(b)
			want := probe.Target{
				Scheme: "http", Host: "10.1.0.10", Port: 8000, Type: probe.HTTP, Path: "/health",
				Hostname: "chat.apps.svc", ServicePort: 80, Timeout: 3 * time.Second,
			}
			test.want(&want)
			_, targets, err := Input(b, nil, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, targets["us-east"]); diff != "" {
				t.Errorf("target (-want +got):\n%s", diff)
			}
		})
	}
}

// TestIdentity: what probes have told is forgotten when endpoint or question change, and not when only the
// timing does.
func TestIdentity(t *testing.T) {
	identity := func(edit func(*llmv1alpha1.LLMBackend)) string {
		b := chat()
		edit(b)
		in, _, err := Input(b, nil, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return in.Config.Regions[0].Identity
	}
	before := identity(func(*llmv1alpha1.LLMBackend) {})
	for name, edit := range map[string]func(*llmv1alpha1.LLMBackend){
		"period":  func(b *llmv1alpha1.LLMBackend) { b.Spec.Probe.Period = "10s" },
		"timeout": func(b *llmv1alpha1.LLMBackend) { b.Spec.Probe.Timeout = "1s" },
		"others":  func(b *llmv1alpha1.LLMBackend) { b.Spec.Secondaries = nil },
	} {
		if got := identity(edit); got != before {
			t.Errorf("%s: identity became %q", name, got)
		}
	}
	for name, edit := range map[string]func(*llmv1alpha1.LLMBackend){
		"address": func(b *llmv1alpha1.LLMBackend) { b.Spec.Primary.Endpoint.URL = "http://10.1.0.11:8000" },
		"port":    func(b *llmv1alpha1.LLMBackend) { b.Spec.Primary.Endpoint.URL = "http://10.1.0.10:8001" },
		"path":    func(b *llmv1alpha1.LLMBackend) { b.Spec.Probe.HTTP.Path = "/ready" },
		"type":    func(b *llmv1alpha1.LLMBackend) { b.Spec.Probe.Type = llmv1alpha1.ProbeTCP },
		"service": func(b *llmv1alpha1.LLMBackend) {
			b.Spec.Primary.Endpoint = llmv1alpha1.Endpoint{ServiceRef: llmv1alpha1.ServiceReference{Name: "vllm", Scheme: llmv1alpha1.SchemeHTTP}}
		},
		"hostname": func(b *llmv1alpha1.LLMBackend) { b.Spec.Service.Hostname = "chat.example.com" },
	} {
		if identity(edit) == before {
			t.Errorf("%s: identity stayed", name)
		}
	}
}

func TestEndpointName(t *testing.T) {
	b := chat()
	for want, e := range map[string]llmv1alpha1.Endpoint{
		"http://10.1.0.10:8000":     {URL: "http://10.1.0.10:8000"},
		"Service apps/vllm:8000":    {ServiceRef: llmv1alpha1.ServiceReference{Name: "vllm", Port: intstr.FromInt32(8000)}},
		"Service models/vllm:https": {ServiceRef: llmv1alpha1.ServiceReference{Name: "vllm", Namespace: "models", Port: intstr.FromString("https")}},
	} {
		if got := EndpointName(b, e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestOrdersOf(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	long := strings.Repeat("x", 129)
	for _, test := range []struct {
		name        string
		annotations map[string]string
		want        failover.Orders
	}{
		{"none", nil, failover.Orders{}},
		{"reset", map[string]string{llmv1alpha1.ResetAnnotation: "1"}, failover.Orders{Reset: "1"}},
		{"a token that is too long", map[string]string{llmv1alpha1.ResetAnnotation: long},
			failover.Orders{Reset: "sha256:0ec9eb33e74510bcdd1f2ea55206e82f21649c5c2becbf2b433eb475b34c01bd"}},
		{"switch", map[string]string{
			llmv1alpha1.SwitchRequestedAtAnnotation: "2", llmv1alpha1.SwitchToAnnotation: "eu-west",
		}, failover.Orders{Switch: "2", SwitchTo: "eu-west"}},
		{"paused", map[string]string{llmv1alpha1.PausedAnnotation: "true"}, failover.Orders{Paused: true}},
		{"not paused", map[string]string{llmv1alpha1.PausedAnnotation: "false"}, failover.Orders{}},
		{"paused for a time", map[string]string{llmv1alpha1.PausedAnnotation: "2026-11-23T11:00:00Z"},
			failover.Orders{Paused: true, PausedUntil: now.Add(time.Hour)}},
		{"an unreadable pause pauses", map[string]string{llmv1alpha1.PausedAnnotation: "yes"}, failover.Orders{Paused: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, ordersOf(test.annotations, now)); diff != "" {
				t.Errorf("orders (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSpread: the first probes of many backends are spread evenly over the period.
func TestSpread(t *testing.T) {
	const backends, parts = 10000, 10
	var count [parts]int
	for i := range backends {
		count[spread(strings.Repeat("x", i%7)+string(rune('a'+i%26))+time.Duration(i).String(), time.Second)*parts/time.Second]++
	}
	for part, n := range count {
		if n < backends/parts*8/10 || n > backends/parts*12/10 {
			t.Errorf("part %d of the period has %d of %d first probes, want about %d", part, n, backends, backends/parts)
		}
	}
}
