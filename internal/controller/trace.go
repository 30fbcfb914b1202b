// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/breakwater-dev/breakwater/internal/failover"
)

// scopeName is the instrumentation scope of the spans.
const scopeName = "github.com/breakwater-dev/breakwater/internal/controller"

// What spans say. Names of objects and regions and reasons, and never a URL, an address, a header or an error's text,
// which could hold one.
const (
	attrNamespace = attribute.Key("k8s.namespace.name")
	attrBackend   = attribute.Key("breakwater.llmbackend")
	attrRegion    = attribute.Key("breakwater.region")
	attrProbeType = attribute.Key("breakwater.probe.type")
	attrOutcome   = attribute.Key("breakwater.probe.outcome")
	attrReason    = attribute.Key("breakwater.reason")
	attrSeq       = attribute.Key("breakwater.transition.seq")
	attrFrom      = attribute.Key("breakwater.transition.from")
	attrTo        = attribute.Key("breakwater.transition.to")
)

// traced makes a span of each reconcile of an LLMBackend, if spans are made.
func (r *Reconciler) traced() reconcile.Reconciler {
	if r.Tracer == nil {
		return r
	}
	return reconcile.Func(func(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
		if req == heartbeat {
			return r.Reconcile(ctx, req)
		}
		ctx, span := r.Tracer.Start(ctx, "reconcile", trace.WithAttributes(about(req.NamespacedName)...))
		defer span.End()
		result, err := r.Reconcile(ctx, req)
		if err != nil {
			span.SetStatus(codes.Error, string(apierrors.ReasonForError(err)))
		}
		return result, err
	})
}

func about(key types.NamespacedName) []attribute.KeyValue {
	return []attribute.KeyValue{attrNamespace.String(key.Namespace), attrBackend.String(key.Name)}
}

// span begins a part of a reconcile. Without tracing it makes nothing.
func (r *Reconciler) span(ctx context.Context, name string) (context.Context, trace.Span) {
	if r.Tracer == nil {
		return ctx, trace.SpanFromContext(ctx)
	}
	return r.Tracer.Start(ctx, name)
}

// traceDecision adds the transitions that are stored to the span that is under way.
func traceDecision(ctx context.Context, transitions []failover.Transition) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	for _, t := range transitions {
		said := []attribute.KeyValue{attrSeq.Int64(t.Seq), attrReason.String(t.Reason)}
		if t.Type.MovesRegion() {
			said = append(said, attrFrom.String(t.From), attrTo.String(t.To))
		} else {
			said = append(said, attrRegion.String(t.Region))
		}
		span.AddEvent(string(t.Type), trace.WithAttributes(said...))
	}
}

// probeSpan begins the span of a probe. Without tracing it makes nothing.
func (b *backend) probeSpan(region string) trace.Span {
	if b.tracer == nil {
		return trace.SpanFromContext(b.ctx)
	}
	_, span := b.tracer.Start(b.ctx, "probe", trace.WithNewRoot(),
		trace.WithAttributes(append(about(b.key), attrRegion.String(region))...))
	return span
}

// traceOutcome says in the span of a probe what it told.
func traceOutcome(span trace.Span, e *regionEndpoint, o failover.Outcome) {
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attrProbeType.String(string(e.target.Type)), attrOutcome.String(outcomes[o.Class].String()), attrReason.String(o.Reason()))
	if o.Class == failover.Failure {
		span.SetStatus(codes.Error, o.Reason())
	}
}
