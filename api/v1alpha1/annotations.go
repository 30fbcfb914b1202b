// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// The annotations of an LLMBackend by which people give orders. The operator acknowledges them in status and
// never removes them, so that GitOps sees no drift. Orders that are there when an LLMBackend is created are
// acknowledged and not acted on.
const (
	// ResetAnnotation, with a value that it did not have before: back to the primary region at once and
	// without a probe, with all breakers closed.
	ResetAnnotation = "llm.breakwater.dev/reset"

	// SwitchToAnnotation names the region to switch to when SwitchRequestedAtAnnotation gets a value that
	// it did not have before. The region must answer a probe.
	SwitchToAnnotation          = "llm.breakwater.dev/switch-to"
	SwitchRequestedAtAnnotation = "llm.breakwater.dev/switch-requested-at"

	// PausedAnnotation, with the value "true" or an RFC 3339 time at which the pause ends: nothing is moved,
	// though probes go on.
	PausedAnnotation = "llm.breakwater.dev/paused"
)

// AllowProbesAnnotation with the value "true" on a Secret says that probes of LLMBackends in its namespace may use it.
const AllowProbesAnnotation = "llm.breakwater.dev/allow-probes"
