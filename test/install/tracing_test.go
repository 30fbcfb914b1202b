// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
)

// receiver is an OTLP receiver that keeps the names of the spans that it gets, and all that they say.
type receiver struct {
	collector.UnimplementedTraceServiceServer

	mu   sync.Mutex
	got  map[string]int
	text strings.Builder
}

// Export takes spans.
func (r *receiver) Export(_ context.Context, request *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				r.got[span.GetName()]++
			}
		}
	}
	r.text.WriteString(request.String())
	return &collector.ExportTraceServiceResponse{}, nil
}

func (r *receiver) missing(names ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		if r.got[name] == 0 {
			return errors.New("no span " + name)
		}
	}
	return nil
}

// TestTracing has spans sent to a receiver, and sees none come without the flag.
func TestTracing(t *testing.T) {
	const namespace = "traced"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	spans, server := &receiver{got: map[string]int{}}, grpc.NewServer()
	collector.RegisterTraceServiceServer(server, spans)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+listener.Addr().String())
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
	installed.createNamespace(t, namespace)
	primary, secondary := region(t, "10.7.0.1:8000"), region(t, "10.7.0.2:8000")
	if err := installed.client.Create(t.Context(), backend(namespace, primary.URL(), secondary.URL())); err != nil {
		t.Fatal(err)
	}

	silent := installed.start(t, "silent", "--leader-elect=false")
	installed.awaitReady(t, namespace, "us-east")
	if err := silent.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if spans.missing("reconcile") == nil || spans.missing("probe") == nil {
		t.Error("spans came without --tracing")
	}

	installed.start(t, "telling", "--leader-elect=false", "--tracing")
	eventually(t, "spans of reconciles and probes", func() error { return spans.missing("reconcile", "decide", "publish", "probe") })
	spans.mu.Lock()
	defer spans.mu.Unlock()
	for _, secret := range []string{"10.7.0.", "http:", "https:"} {
		if strings.Contains(spans.text.String(), secret) {
			t.Errorf("spans hold %q", secret)
		}
	}
}
