// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const output = `goos: linux
BenchmarkCall/breakwater         100   30.0 ns/op   10.0 cpu-ns/op   0 allocs/op
BenchmarkCall/breakwater-2       100   30.0 ns/op   12.0 cpu-ns/op   0 allocs/op
BenchmarkCall/failsafe-go        100   20.0 ns/op   40.0 cpu-ns/op   0 allocs/op
BenchmarkCall/gobreaker          100   90.0 ns/op   20.0 cpu-ns/op   1 allocs/op
BenchmarkOther/breakwater        100   5.0 ns/op
BenchmarkCall/breakwater         100   50.0 ns/op   30.0 cpu-ns/op   0 allocs/op
BenchmarkCall/breakwater         100   70.0 ns/op   20.0 cpu-ns/op   0 allocs/op
PASS
`

func TestRows(t *testing.T) {
	rows, err := read(strings.NewReader(output))
	if err != nil {
		t.Fatal(err)
	}
	rate(rows, "breakwater")
	want := []*row{
		{What: "Call", Cores: 1, Contestant: "breakwater", Runs: 3, Clock: 2.5, CPU: 1,
			Medians: map[string]float64{"ns/op": 50, "cpu-ns/op": 20, "allocs/op": 0}},
		{What: "Call", Cores: 1, Contestant: "failsafe-go", Runs: 1, Clock: 1, CPU: 2,
			Medians: map[string]float64{"ns/op": 20, "cpu-ns/op": 40, "allocs/op": 0}},
		{What: "Call", Cores: 1, Contestant: "gobreaker", Runs: 1, Clock: 4.5, CPU: 1,
			Medians: map[string]float64{"ns/op": 90, "cpu-ns/op": 20, "allocs/op": 1}},
		{What: "Call", Cores: 2, Contestant: "breakwater", Runs: 1,
			Medians: map[string]float64{"ns/op": 30, "cpu-ns/op": 12, "allocs/op": 0}},
		{What: "Other", Cores: 1, Contestant: "breakwater", Runs: 1,
			Medians: map[string]float64{"ns/op": 5}},
	}
	if diff := cmp.Diff(want, rows, cmpopts.IgnoreUnexported(row{})); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestFailedBenchmarksAreAnError(t *testing.T) {
	for _, text := range []string{output + "FAIL\n", "PASS\n", "--- FAIL: BenchmarkCall\n" + output} {
		if _, err := read(strings.NewReader(text)); err == nil {
			t.Errorf("no error for:\n%s", text)
		}
	}
}
