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
	"slices"
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
	shards      int
	profiles    string
	until       string

	simulatedWrites float64 // per second; 0 for a real API server
}

// maxBackends is how many addresses a network for regions has.
const maxBackends = 60_000

// maxShards is more than a machine can run.
const maxShards = 16

func main() {
	o := parse()
	lab.Enter()
	log.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	r, err := measure(ctx, o)
	if err != nil {
		r.Failed = err.Error() // what was measured before is worth as much
	}
	if err := errors.Join(err, json.NewEncoder(os.Stdout).Encode(r)); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func parse() options {
	var o options
	flag.IntVar(&o.backends, "n", 10_000, "How many LLMBackends.")
	flag.DurationVar(&o.steady, "steady", 30*time.Second, "How long the steady state is measured.")
	flag.IntVar(&o.concurrency, "concurrency", 32, "How many LLMBackends the operator, and the bare client, write at the same time.")
	flag.IntVar(&o.shards, "shards", 1, "How many operators share the LLMBackends, each with those of a namespace.")
	flag.StringVar(&o.profiles, "profiles", "", "Folder for profiles of the first operator: CPU, allocations and heap; empty means none.")
	flag.StringVar(&o.until, "until", phases[len(phases)-1].name, "The last phase; what comes after it is left out of the numbers.")
	flag.Float64Var(&o.simulatedWrites, "simulated", 0,
		"Writes per second of a simulated API server that takes the place of etcd and kube-apiserver; 0 means these.")
	flag.Parse()
	if o.backends < 8 || o.backends > maxBackends {
		fmt.Fprintf(os.Stderr, "scale: -n %d: use 8 to %d\n", o.backends, maxBackends)
		os.Exit(2)
	}
	if o.shards < 1 || o.shards > maxShards {
		fmt.Fprintf(os.Stderr, "scale: -shards %d: use 1 to %d\n", o.shards, maxShards)
		os.Exit(2)
	}
	if o.simulatedWrites < 0 {
		fmt.Fprintf(os.Stderr, "scale: -simulated %v: write how many writes a second, or 0 for a real API server\n", o.simulatedWrites)
		os.Exit(2)
	}
	if o.steady < 2*period {
		fmt.Fprintf(os.Stderr, "scale: -steady %s: use at least %s, two periods of the probes\n", o.steady, 2*period)
		os.Exit(2)
	}
	if !slices.ContainsFunc(phases, func(p phase) bool { return p.name == o.until }) {
		fmt.Fprintf(os.Stderr, "scale: -until %q: use the name of a phase, as in -until 'steady state'\n", o.until)
		os.Exit(2)
	}
	return o
}

// phase is one part of the measurement. Each leaves behind what the next one starts from.
type phase struct {
	name string
	run  func(context.Context, *world, *report) error
}

var phases = []phase{
	{"create LLMBackends", createBackends},
	{"cold start", coldStart},
	{"steady state", steadyState},
	{"restart", restart},
	{"single failovers", singleFailovers},
	{"mass failover", massFailover},
	{"bare writes", bareWrites},
}

// measure goes through the phases.
func measure(ctx context.Context, o options) (r report, err error) {
	r = newReport(o)
	w, err := start(ctx, o)
	defer func() { err = errors.Join(err, w.stop()) }()
	if err != nil {
		return r, err
	}
	for _, p := range phases {
		w.progressf("%s", p.name)
		if err := p.run(ctx, w, &r); err != nil {
			return r, fmt.Errorf("%s: %w", p.name, err)
		}
		if p.name == o.until {
			break
		}
	}
	r.Context.LoadAverageEnd = loadAverage()
	return r, nil
}
