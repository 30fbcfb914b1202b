// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Command mutants breaks the operator by hand-made faults, one at a time, and shows which test notices. It works
// on a copy of the tree in bin/mutants, and never changes the tree itself.
//
// It exits with 1 if a fault is not noticed, and with 2 if the faults cannot be tried: one does not apply or
// compile, or tests fail without a fault.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"time"
)

func main() {
	only := flag.String("run", "", "Try only the faults whose names match this regular expression.")
	asJSON := flag.Bool("json", false, "Print one JSON object per fault to standard output.")
	doc := flag.String("doc", "", "Write what was found into this file.")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	survivors, err := run(ctx, *only, *asJSON, *doc)
	stop()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	case survivors > 0:
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, asJSON bool, doc string) (survivors int, err error) {
	chosen, err := regexp.Compile(only)
	if err != nil {
		return 0, fmt.Errorf("-run: %w", err)
	}
	all, err := faults()
	if err != nil {
		return 0, err
	}
	if doc != "" && only != "" {
		return 0, fmt.Errorf("-doc shows all faults: leave -run out")
	}
	var wanted []fault
	for _, f := range all {
		if chosen.MatchString(f.Name) {
			wanted = append(wanted, f)
		}
	}
	tree, err := copyTree(ctx)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	var verdicts []verdict
	for i, f := range wanted {
		v, err := tree.try(ctx, f)
		if err != nil {
			return 0, fmt.Errorf("fault %q: %w", f.Name, err)
		}
		verdicts = append(verdicts, v)
		if !v.Caught {
			survivors++
		}
		fmt.Fprintf(os.Stderr, "[%*d/%d] %s: %s (%.0f s)\n", len(fmt.Sprint(len(wanted))), i+1, len(wanted), f.Name, v, v.Seconds)
		if asJSON {
			if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
				return 0, err
			}
		}
	}
	fmt.Fprintf(os.Stderr, "%d of %d caught in %s\n", len(wanted)-survivors, len(wanted), time.Since(began).Round(time.Second))
	if doc != "" {
		return survivors, os.WriteFile(doc, []byte(document(verdicts)), 0o644)
	}
	return survivors, nil
}
