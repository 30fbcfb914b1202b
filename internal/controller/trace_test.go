// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/breakwater-dev/breakwater/internal/failover"
)

// said returns a span in one line.
func said(s tracetest.SpanStub) string {
	line := s.Name
	for _, a := range s.Attributes {
		line += fmt.Sprintf(" %s=%s", a.Key, a.Value.String())
	}
	for _, e := range s.Events {
		line += " +" + e.Name
	}
	return strings.TrimSpace(line + " " + s.Status.Description)
}

func TestProbesAreTraced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spans := tracetest.NewInMemoryExporter()
		r := runPrepared(t, func(b *backend) {
			b.tracer = trace.NewTracerProvider(trace.WithSyncer(spans)).Tracer(scopeName)
			b.key = types.NamespacedName{Namespace: "apps", Name: "chat"}
		})
		r.prober.set(east, 503)
		r.until(t, 8*time.Second)
		r.backend.stop()
		var got []string
		for _, s := range spans.GetSpans() {
			got = append(got, said(s))
			if s.Parent.IsValid() {
				t.Errorf("span %s has a parent, want none: a probe begins by itself", s.Name)
			}
		}
		want := "probe k8s.namespace.name=apps breakwater.llmbackend=chat breakwater.region=us-east breakwater.probe.type=HTTP " +
			"breakwater.probe.outcome=Failure breakwater.reason=Status503 Status503"
		if !slices.Contains(got, want) {
			t.Errorf("got %q, want also %q", got, want)
		}
		for _, line := range got {
			if strings.Contains(line, east) || strings.Contains(line, "http:") {
				t.Errorf("a span shows where an endpoint is: %s", line)
			}
		}
	})
}

func TestReconcilesAreTraced(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	r := &Reconciler{Tracer: trace.NewTracerProvider(trace.WithSyncer(spans)).Tracer(scopeName)}
	ctx, span := r.span(t.Context(), "decide")
	traceDecision(ctx, []failover.Transition{{Type: failover.BreakerOpened, Region: "us-east"}, {Type: failover.FailedOver, From: "us-east", To: "eu-west"}})
	span.End()
	if _, err := r.traced().Reconcile(t.Context(), heartbeat); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range spans.GetSpans() {
		got = append(got, said(s))
	}
	if diff := cmp.Diff([]string{"decide +BreakerOpened +FailedOver"}, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}

// TestNothingIsTracedByDefault: without tracing there are no spans, and no allocations for them.
func TestNothingIsTracedByDefault(t *testing.T) {
	r := &Reconciler{}
	if r.traced() != reconcile.Reconciler(r) {
		t.Error("reconciles are wrapped although nobody takes spans")
	}
	b := &backend{ctx: t.Context()}
	e, o := &regionEndpoint{}, failover.Outcome{Class: failover.Success}
	if n := testing.AllocsPerRun(100, func() {
		ctx, span := r.span(b.ctx, "decide")
		traceDecision(ctx, nil)
		span.End()
		probe := b.probeSpan("us-east")
		traceOutcome(probe, e, o)
		probe.End()
	}); n != 0 {
		t.Errorf("%v allocations without tracing, want 0", n)
	}
}
