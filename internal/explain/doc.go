// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package explain says in words what an LLMBackend shows: where traffic goes, why, what happens next and when, and
// what it would take to move it. All of it follows from the object and a time, by the rules of package failover. What
// the operator keeps to itself, such as failures that have not opened a breaker, it cannot know.
package explain
