// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
	ctrl "sigs.k8s.io/controller-runtime"
)

// flushPatience bounds how long the last spans are sent for at the end.
const flushPatience = 2 * time.Second

// tracing returns what takes spans, nil if they are off, and what ends it. Spans are sent by OTLP, as the standard OTEL_
// variables of the environment say: where to, how many of them, as which service. Nothing waits for the receiver.
func tracing(ctx context.Context, on bool) (provider oteltrace.TracerProvider, end func(), err error) {
	if !on {
		return nil, func() {}, nil
	}
	exporter, err := otlptracegrpc.New(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("set up tracing: %w", err)
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "breakwater"), attribute.String("service.version", version)),
		resource.WithFromEnv()) // which goes before
	if err != nil {
		return nil, nil, fmt.Errorf("set up tracing: %w", err)
	}
	p := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about))
	return p, func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushPatience)
		defer cancel()
		if err := p.Shutdown(bounded); err != nil {
			ctrl.Log.Info("Some spans were not sent", "error", err.Error())
		}
	}, nil
}
