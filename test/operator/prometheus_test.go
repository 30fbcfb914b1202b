// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// gateway counts its calls as Envoy does, and exports them.
type gateway struct {
	calls, failed *prometheus.CounterVec
	addr          string
	close         func() error
}

func (w *world) gateway(n int) *gateway {
	w.t.Helper()
	g := &gateway{
		calls:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "envoy_cluster_upstream_rq_total"}, []string{"envoy_cluster_name"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "envoy_cluster_upstream_rq_xx"}, []string{"envoy_cluster_name", "envoy_response_code_class"}),
		addr:   w.address(n) + ":9901",
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(g.calls, g.failed)
	listener, err := net.Listen("tcp", g.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	server := &http.Server{Handler: promhttp.HandlerFor(registry, promhttp.HandlerOpts{})}
	go func() { _ = server.Serve(listener) }()
	g.close = server.Close
	w.t.Cleanup(func() { _ = g.close() })
	return g
}

// serve has calls made to the cluster, failing or not, until the function that it returns is called.
func (g *gateway) serve(ctx context.Context, cluster string, fail bool) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		for tick := time.NewTicker(20 * time.Millisecond); ctx.Err() == nil; <-tick.C {
			g.calls.WithLabelValues(cluster).Inc()
			if fail {
				g.failed.WithLabelValues(cluster, "5").Inc()
			}
		}
	}()
	return cancel
}

// startPrometheus starts a real server that scrapes the targets each second, and returns its URL.
func (w *world) startPrometheus(n int, targets ...string) string {
	w.t.Helper()
	path, err := exec.LookPath("prometheus")
	if err != nil {
		w.t.Skip("prometheus is not installed: signals from a real Prometheus are not checked")
	}
	dir, addr := w.t.TempDir(), w.address(n)+":9090"
	config := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, `
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
- job_name: gateway
  static_configs: [{targets: ["%s"]}]
`, strings.Join(targets, `", "`)), 0o600); err != nil {
		w.t.Fatal(err)
	}
	p, err := lab.StartProcess("prometheus", filepath.Join(dir, "log"), path, "--config.file="+config,
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--log.level=warn")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			w.t.Error(err)
		}
		if w.t.Failed() {
			w.t.Logf("prometheus:\n%s", p.Tail(10))
		}
	})
	return "http://" + addr
}

func signals(server string) edit {
	return func(s *llmv1alpha1.LLMBackendSpec) {
		s.Signals.Prometheus = llmv1alpha1.PrometheusSignal{
			Server: server, Preset: llmv1alpha1.SignalEnvoy, Window: "10s", Period: "1s",
			Selectors: []llmv1alpha1.RegionSelector{
				{Region: "us-east", Matchers: `envoy_cluster_name="us-east"`}, {Region: "eu-west", Matchers: `envoy_cluster_name="eu-west"`},
			},
		}
	}
}

// A real Prometheus knows that calls to a region fail that answers every probe. A server that nobody allows is not
// asked; one that knows nothing says nothing; and the queries of every preset are ones that Prometheus understands.
func TestSignalsFromPrometheus(t *testing.T) {
	w := newWorld(t)
	g := w.gateway(20)
	server := w.startPrometheus(21, g.addr)
	other := w.region(22)
	w.prometheus = []string{server}
	east, west := w.serve(signals(server), func(s *llmv1alpha1.LLMBackendSpec) { s.Breaker.OpenDuration = "1h" })
	ok := g.serve(t.Context(), "us-east", false)
	g.serve(t.Context(), "eu-west", false)

	w.apply(makeLLMBackend("elsewhere").primary("us-east", east.URL()).edit(signals(other.URL())).obj())
	w.awaitCondition("elsewhere", "SignalsUnavailable=True ServerNotAllowed")
	w.apply(makeLLMBackend("nothing").primary("us-south", east.URL()).edit(signals(server)).obj())
	w.awaitCondition("nothing", "SignalsUnavailable=True NoData")
	for _, preset := range []llmv1alpha1.SignalPreset{llmv1alpha1.SignalIstio, llmv1alpha1.SignalLiteLLM, llmv1alpha1.SignalVLLM} {
		name := strings.ToLower(string(preset))
		w.apply(makeLLMBackend(name).primary("us-east", east.URL()).
			edit(signals(server), func(s *llmv1alpha1.LLMBackendSpec) { s.Signals.Prometheus.Preset = preset }).obj())
		w.awaitCondition(name, "SignalsUnavailable=True NoData")
	}
	w.awaitEvent("elsewhere", "ServerNotAllowed", "--prometheus-servers")
	b := w.get("chat")
	w.wantHistory(b)
	if hasReason(b, llmv1alpha1.ConditionSignalsUnavailable, llmv1alpha1.ReasonNoData) {
		t.Error("data that are there are not found")
	}

	ok()
	began := time.Now()
	g.serve(t.Context(), "us-east", true)
	b = w.awaitActive("chat", "eu-west")
	t.Logf("traffic moved %s after calls began to fail", time.Since(began).Round(100*time.Millisecond))
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
	opened := newest(b, llmv1alpha1.TransitionBreakerOpened)
	if opened.Reason != "ErrorRatio" || breakerOf(b, "us-east").OpenedBy == llmv1alpha1.OpenedByProbe {
		t.Errorf("opened for the reason %s by %s, want ErrorRatio by Traffic", opened.Reason, breakerOf(b, "us-east").OpenedBy)
	}
	if n := other.Connections(); n > 0 {
		t.Errorf("%d connections to a server that nobody allows", n)
	}

	// What is no longer scraped says nothing: neither that eu-west fails nor that it does not.
	if err := g.close(); err != nil {
		t.Fatal(err)
	}
	b = w.awaitCondition("chat", "SignalsUnavailable=True NoData")
	w.awaitProbes(2, west)
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
}
