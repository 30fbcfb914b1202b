// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package invariant states the rules that hold at every moment, whatever regions, people, clocks and the API
// server do, and judges a history by them. It is used by tests only.
//
// A [Judge] is told what happened, in time order: specs, orders, answers, restarts, what was stored and what
// was published. It knows nothing of how the operator decides, so that it judges the pure decision, the
// operator in virtual time and the operator on a real API server alike. Each [Rule] is one sentence; the
// same sentences are in docs/invariants.md.
package invariant
