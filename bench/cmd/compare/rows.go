// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"cmp"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// row is one contestant at one task on so many cores.
type row struct {
	What       string             `json:"what"`
	Cores      int                `json:"cores"`
	Contestant string             `json:"contestant"`
	Runs       int                `json:"runs"`
	Medians    map[string]float64 `json:"medians"` // by unit
	// Clock is the time on the clock that this contestant takes to that of the fastest peer, and CPU the same of CPU time
	// where that is reported: below 1 is faster. 0 if there is no peer.
	Clock float64 `json:"clockRatio,omitempty"`
	CPU   float64 `json:"cpuRatio,omitempty"`

	units  []string // in the order of the output
	values map[string][]float64
}

// read returns the rows in the order in which they appear first, those of one task together.
func read(in io.Reader) ([]*row, error) {
	var rows []*row
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "--- FAIL"), line == "FAIL":
			return nil, errors.New("a benchmark has failed: " + line)
		case strings.HasPrefix(line, "Benchmark"):
			rows = add(rows, strings.Fields(line))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("no benchmark results: pipe the output of go test -bench into this")
	}
	for _, r := range rows {
		r.Medians = map[string]float64{}
		for unit, values := range r.values {
			r.Medians[unit] = median(values)
		}
	}
	return together(rows), nil
}

// add adds one line: a name, the number of iterations, and pairs of value and unit.
func add(rows []*row, fields []string) []*row {
	if len(fields) < 4 {
		return rows // the name alone, printed before a benchmark logs something
	}
	what, contestant, cores := split(fields[0])
	i := slices.IndexFunc(rows, func(r *row) bool {
		return r.What == what && r.Contestant == contestant && r.Cores == cores
	})
	if i < 0 {
		i = len(rows)
		rows = append(rows, &row{What: what, Contestant: contestant, Cores: cores, values: map[string][]float64{}})
	}
	r := rows[i]
	r.Runs++
	for pairs := fields[2:]; len(pairs) >= 2; pairs = pairs[2:] {
		value, err := strconv.ParseFloat(pairs[0], 64)
		if err != nil {
			continue
		}
		unit := pairs[1]
		if !slices.Contains(r.units, unit) {
			r.units = append(r.units, unit)
		}
		r.values[unit] = append(r.values[unit], value)
	}
	return rows
}

// split takes a name apart: "BenchmarkCall/failsafe-go-2" is Call by failsafe-go on two cores. Without a
// number at the end it is one core.
func split(name string) (what, contestant string, cores int) {
	name = strings.TrimPrefix(name, "Benchmark")
	cores = 1
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		if n, err := strconv.Atoi(name[i+1:]); err == nil {
			name, cores = name[:i], n
		}
	}
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i], name[i+1:], cores
	}
	return name, "", cores
}

// together sorts rows by task, in the order in which tasks appear first, then by cores.
func together(rows []*row) []*row {
	first := map[string]int{}
	for i, r := range rows {
		if _, known := first[r.What]; !known {
			first[r.What] = i
		}
	}
	slices.SortStableFunc(rows, func(a, b *row) int {
		return cmp.Or(cmp.Compare(first[a.What], first[b.What]), cmp.Compare(a.Cores, b.Cores))
	})
	return rows
}

// rate holds each row against the fastest row of the same task that is not one's own.
func rate(rows []*row, own string) {
	for _, r := range rows {
		r.Clock = toFastest(rows, own, r, "ns/op")
		r.CPU = toFastest(rows, own, r, "cpu-ns/op")
	}
}

// toFastest returns what a row takes of a unit to what the peer takes that takes least; 0 if none takes any.
func toFastest(rows []*row, own string, r *row, unit string) float64 {
	least := 0.0
	for _, peer := range rows {
		takes := peer.Medians[unit]
		same := peer.What == r.What && peer.Cores == r.Cores
		if same && !strings.HasPrefix(peer.Contestant, own) && takes > 0 && (least == 0 || takes < least) {
			least = takes
		}
	}
	if least == 0 {
		return 0
	}
	return r.Medians[unit] / least
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
