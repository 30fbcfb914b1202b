// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package probe asks one endpoint how it is, bounded in time and memory whatever the server does.
//
// It reports facts (status code, headers, class of error, latency, for each address) and judges nothing:
// what an answer means for the health of a region, and when a probe is due, is decided elsewhere.
//
// The parts, in the order in which a probe passes them:
//
//   - [Target] says what to ask.
//   - [Resolver] turns its host name into addresses and remembers them.
//   - [Prober] waits for a place, refuses the addresses that no region may have, and asks each of the
//     others at once, on a connection of its own.
//   - [Result] is what was seen.
//   - [Addresses] keeps, from the results of one region, the addresses that may be published.
package probe
