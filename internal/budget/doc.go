// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package budget keeps what the probes of a region cost within what the spec allows, whatever restarts, crashes,
// changes of the leader and clocks do. It is pure: time comes in as a value, and what is to be stored goes out.
//
// Something is spent only after it has been reserved in what is stored. Reserved is more than is needed at once, so
// that there are few writes, and it stays reserved until it is used, so that at rest there are none. A process does
// not know what another one has used of what it had reserved: it counts all of that as spent, just now.
package budget
