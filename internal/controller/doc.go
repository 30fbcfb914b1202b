// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controller keeps LLMBackends on a region that answers.
//
// There are two paths. The hot path never touches the API server: a probe's result goes straight into the
// decision of its LLMBackend (type backend, under that backend's own lock), and only when something durable
// or reportable changes is the reconcile queue asked. The reconciler then runs five phases in this order:
// gather, decide, persist, publish, report. A decision is stored in one status write before anything is
// done about it, so that a crash between any two steps is repaired by the next reconcile.
package controller
