// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package plugin is what the commands of kubectl breakwater do in a cluster, and how they show it. It needs no more
// rights than to read LLMBackends, and for orders to patch them.
package plugin
