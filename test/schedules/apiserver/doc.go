// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apiserver is a Kubernetes API server in memory, for as many runs of the whole operator in virtual time
// as there are seeds. It serves HTTP by way of [Connection], an http.RoundTripper, so that the operator's own
// client, informers and patches are at work above it, and everything can go wrong below.
//
// It knows LLMBackends, Services, EndpointSlices, Endpoints and Events (which it takes and forgets), and of these what the operator depends
// on: resource versions and UIDs as preconditions, one revision for all objects, writes that change nothing, the
// status subresource, generations, the rule on status.transitionSeq, merge patches, server-side apply, one
// controller per object, cluster IPs, lists, and watches from a revision, with initial events and bookmarks. It
// does not validate beyond that and applies no defaults to LLMBackends: who writes them writes them whole. What
// one manager no longer applies stays, since ownership of fields is not kept.
//
// A test in this package does the same to it and to the real API server, and compares the answers.
package apiserver
