// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Command probing holds Breakwater's prober against those of blackbox_exporter and of the kubelet. All ask
// one local server, which is a process of its own, and each prober is measured in a process of its own, so
// that CPU time and memory are its own. It prints lines in the format of Go benchmarks, for the command
// compare.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	rounds      int
	duration    time.Duration
	held        int
	contestant  string
	servers     string
	serves      bool
	exports     bool
	concurrency int
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "How often each contestant is measured.")
	flag.DurationVar(&o.duration, "duration", 2*time.Second, "How long each measurement takes.")
	flag.IntVar(&o.held, "held", 1000, "How many probes are under way when memory is measured.")
	flag.StringVar(&o.contestant, "contestant", "", "Measure this one, in this process.")
	flag.StringVar(&o.servers, "servers", "", "Addresses of the server that the contestant asks, with commas between them.")
	flag.IntVar(&o.concurrency, "concurrency", 1, "How many probes the contestant has under way.")
	flag.BoolVar(&o.serves, "serve", false, "Be the server, until standard input ends.")
	flag.BoolVar(&o.exports, "exporter", false, "Be blackbox_exporter, until standard input ends.")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "probing:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	switch {
	case o.serves:
		return serve(os.Stdin, os.Stdout)
	case o.exports:
		return serveExporter(ctx, os.Stdin, os.Stdout)
	case o.contestant != "":
		var servers []netip.AddrPort
		for field := range strings.SplitSeq(o.servers, ",") {
			server, err := netip.ParseAddrPort(field)
			if err != nil {
				return fmt.Errorf("server %q: use an address and a port: %w", field, err)
			}
			servers = append(servers, server)
		}
		return measure(ctx, o, servers)
	default:
		return compare(ctx, o)
	}
}

// compare measures all contestants by turns, so that what else the machine does hits all of them.
func compare(ctx context.Context, o options) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	servers, _, stop, err := startChild(ctx, "-serve")
	if err != nil {
		return err
	}
	defer stop()
	for range o.rounds {
		for _, concurrency := range []int{1, 16} {
			for _, c := range contestants() {
				cmd := exec.CommandContext(ctx, program,
					"-contestant="+c.name, "-servers="+servers, fmt.Sprintf("-concurrency=%d", concurrency),
					fmt.Sprintf("-duration=%s", o.duration), fmt.Sprintf("-held=%d", o.held))
				cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
				if err := cmd.Run(); err != nil {
					return fmt.Errorf("%s: %w", c.name, err)
				}
			}
		}
	}
	return nil
}
