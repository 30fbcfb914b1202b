// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package intake takes outcomes of real calls from gateways and SDKs, over HTTPS, and hands them to the decision.
//
// A request is one bounded batch about one LLMBackend. Who sends it is asked of the API server: a TokenReview says who
// it is, a SubjectAccessReview whether they may create llmbackends/outcomes of that name. What is taken opens breakers
// and nothing else: only a probe is evidence for a move.
package intake
