// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Command compare reads the output of Go benchmarks from its standard input and holds contestants against
// each other: the last part of a benchmark's name is the contestant, the rest is what they do. It prints
// the medians of all runs.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
)

func main() {
	asJSON := flag.Bool("json", false, "Print one JSON object per row instead of a table.")
	own := flag.String("own", "breakwater", "The contestant, and prefix of its variants, that is held against all others.")
	flag.Parse()
	rows, err := read(os.Stdin)
	if err == nil {
		rate(rows, *own)
		err = show(os.Stdout, rows, *asJSON)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func show(out io.Writer, rows []*row, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(out)
		for _, r := range rows {
			if err := encoder.Encode(r); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	var header string
	for _, r := range rows {
		if h := "what\tcores\tcontestant\truns\t" + strings.Join(r.units, "\t") + "\tto the fastest peer\tin CPU time"; h != header {
			header = h
			_, _ = fmt.Fprintln(table, header)
		}
		_, _ = fmt.Fprintf(table, "%s\t%d\t%s\t%d\t", r.What, r.Cores, r.Contestant, r.Runs)
		for _, unit := range r.units {
			_, _ = fmt.Fprintf(table, "%s\t", number(r.Medians[unit]))
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\n", ratio(r.Clock), ratio(r.CPU))
	}
	return table.Flush()
}

func ratio(f float64) string {
	if f == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", f)
}

func number(f float64) string {
	if f >= 100 {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.3g", f)
}
