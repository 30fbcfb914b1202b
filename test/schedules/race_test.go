// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build race

package schedules

// defaultSeeds is few, because the race detector makes a schedule five times as long. The many run without it.
const defaultSeeds = 200
