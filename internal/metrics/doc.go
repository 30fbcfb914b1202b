// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package metrics is what Prometheus sees of the operator. [Backends] reads the LLMBackends at each scrape, so
// that nothing is kept for a series and no series outlives its LLMBackend; [Operator] counts what belongs to no
// single one, histograms above all: one per region would be 20 series for each of 20,000 regions.
//
// All metrics are in one table each, which docs/metrics.md and a test repeat. To add one, add a row there.
package metrics
