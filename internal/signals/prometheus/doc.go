// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package prometheus asks a Prometheus server how many calls to a region fail.
//
// The server is the administrator's, who allows it by a flag; the queries are a tenant's. So a query is bounded in
// length, time and answer, no redirect is followed, and of an answer nothing is passed on but one verdict: too many
// calls fail, or nothing is said. Data that is missing, stale or ambiguous says nothing.
package prometheus
