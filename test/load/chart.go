// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"fmt"
	"strings"
	"time"
)

// tick is the number of columns between two times below a chart.
const tick = 10

// Chart draws a record for a terminal: a row for each region named and one for
// errors, and time from left to right in at most width columns. A column shows
// '#' where most calls that started in it went that way, '+' where fewer did,
// and '.' where hardly any did.
func (r Record) Chart(width int, regions ...string) string {
	if len(r) == 0 {
		return "no calls\n"
	}
	began := r[0].Start
	column := columnLength(r[len(r)-1].Start.Sub(began), width)
	columns := int(r[len(r)-1].Start.Sub(began)/column) + 1

	rows := append(append([]string{}, regions...), "errors")
	counts := make(map[string][]int, len(rows))
	for _, row := range rows {
		counts[row] = make([]int, columns)
	}
	calls := make([]int, columns)
	label := 0
	for _, row := range rows {
		label = max(label, len(row))
	}
	for _, c := range r {
		i := int(c.Start.Sub(began) / column)
		row := c.Region
		if c.Err != nil {
			row = "errors"
		}
		calls[i]++
		if counts[row] != nil {
			counts[row][i]++
		}
	}

	var chart strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, n := range counts[row] {
			line.WriteByte(mark(n, calls[i]))
		}
		fmt.Fprintf(&chart, "%-*s  %s\n", label, row, strings.TrimRight(line.String(), " "))
	}
	fmt.Fprintf(&chart, "%*s  %s\n", label, "", axis(columns, column))
	return chart.String()
}

// columnLength is the shortest handy time of which width columns cover all.
func columnLength(total time.Duration, width int) time.Duration {
	for _, c := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond} {
		if total/c < time.Duration(width) {
			return c
		}
	}
	c := time.Second
	for total/c >= time.Duration(width) {
		c += time.Second
	}
	return c
}

// mark shows how many of a column's calls went one way.
func mark(n, of int) byte {
	switch {
	case n == 0:
		return ' '
	case 10*n <= of:
		return '.'
	case 2*n <= of:
		return '+'
	}
	return '#'
}

// axis writes the time below every tenth column.
func axis(columns int, column time.Duration) string {
	var line strings.Builder
	for i := 0; i < columns; i += tick {
		seconds := (time.Duration(i) * column).Seconds()
		fmt.Fprintf(&line, "%-*s", tick, fmt.Sprintf("|%gs", seconds))
	}
	return strings.TrimRight(line.String(), " ")
}
