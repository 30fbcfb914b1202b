// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package traffic makes a Service point at the addresses of one region: it says which Service and
// EndpointSlices an LLMBackend wants (pure functions) and writes them (Publisher).
//
// It knows nothing of breakers, regions or the LLMBackend type. The caller has decided where traffic
// goes and under which number (seq) that decision was stored; this package makes the API server show
// it, and refuses to replace a newer decision by an older one.
package traffic

const (
	// FieldManager is the field manager of every write of this package.
	FieldManager = "breakwater"

	// BackendAnnotation on a Service names the LLMBackend (same namespace) that may publish behind it.
	BackendAnnotation = "llm.breakwater.dev/backend"

	// TransitionSeqAnnotation on an EndpointSlice says whose decision it shows, and which one:
	// "<UID of the LLMBackend>/<seq of its newest region change>".
	TransitionSeqAnnotation = "llm.breakwater.dev/transition-seq"

	// ServiceManagedByLabel with the value ServiceManagedBy marks a Service that the operator created.
	// Only such a Service is ever changed by it.
	ServiceManagedByLabel = "app.kubernetes.io/managed-by"
	// ServiceManagedBy is the value of ServiceManagedByLabel.
	ServiceManagedBy = "breakwater"

	// SliceManagedBy is the value of the label endpointslice.kubernetes.io/managed-by on every slice
	// that the operator writes. It keeps the controllers of Kubernetes away from them.
	SliceManagedBy = "llmbackend.breakwater.dev"
)
