// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build !race

package schedules

const defaultSeeds = 10_000
