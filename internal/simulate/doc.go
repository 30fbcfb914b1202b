// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package simulate runs the decision of internal/failover in virtual time: regions, probes and the store are
// played, the decision is the real one. The same scenario always gives the same transcript.
//
// [Loader.Load] reads a scenario, [Run] plays it. Within one instant the timeline comes first, then the
// answers of probes, then what the decision does by itself, then what is expected.
package simulate
