// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Command scale runs the operator with many LLMBackends on a real API server, and prints what it costs as
// one line of JSON. docs/performance.md says how to read it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// options are the flags.
type options struct {
	backends    int
	steady      time.Duration
	concurrency int
	profiles    string
}

// maxBackends is how many addresses a network for regions has.
const maxBackends = 60_000

func main() {
	o := parse()
	lab.Enter()
	log.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	r, err := measure(ctx, o)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func parse() options {
	var o options
	flag.IntVar(&o.backends, "n", 10_000, "How many LLMBackends.")
	flag.DurationVar(&o.steady, "steady", 30*time.Second, "How long the steady state is measured.")
	flag.IntVar(&o.concurrency, "concurrency", 32, "How many LLMBackends the operator, and the bare client, write at the same time.")
	flag.StringVar(&o.profiles, "profiles", "", "Folder for CPU profiles of the operator; empty means none.")
	flag.Parse()
	if o.backends < 8 || o.backends > maxBackends {
		fmt.Fprintf(os.Stderr, "scale: -n %d: use 8 to %d\n", o.backends, maxBackends)
		os.Exit(2)
	}
	if o.steady < 2*period {
		fmt.Fprintf(os.Stderr, "scale: -steady %s: use at least %s, two periods of the probes\n", o.steady, 2*period)
		os.Exit(2)
	}
	return o
}

// measure goes through the phases. Each leaves behind what the next one starts from.
func measure(ctx context.Context, o options) (r report, err error) {
	r = newReport(o)
	w, err := start(ctx, o)
	defer func() { err = errors.Join(err, w.stop()) }()
	if err != nil {
		return r, err
	}
	for _, phase := range []struct {
		name string
		run  func(context.Context, *world, *report) error
	}{
		{"create LLMBackends", createBackends},
		{"cold start", coldStart},
		{"steady state", steadyState},
		{"restart", restart},
		{"single failovers", singleFailovers},
		{"mass failover", massFailover},
		{"bare writes", bareWrites},
	} {
		w.progressf("%s", phase.name)
		if err := phase.run(ctx, w, &r); err != nil {
			return r, fmt.Errorf("%s: %w", phase.name, err)
		}
	}
	r.Context.LoadAverageEnd = loadAverage()
	return r, nil
}
