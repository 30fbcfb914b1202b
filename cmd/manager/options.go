// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/internal/signals/prometheus"
)

// options are the flags.
type options struct {
	metrics       metricsOptions
	healthAddress string
	pprofAddress  string
	namespaces    []string
	leader        leaderOptions
	reconciles    int
	connections   int
	failovers     float64 // per second
	ranges        probe.Ranges
	outcomes      outcomesOptions

	prometheusServers []string
	tracing           bool
	checkLeader       bool
	showVersion       bool
	log               zap.Options
}

// parse reads the flags. An error says what to write instead.
func parse(flags *flag.FlagSet, args []string) (options, error) {
	var o options
	o.metrics.bind(flags)
	flags.StringVar(&o.healthAddress, "health-probe-bind-address", ":8081", "Address of /healthz and /readyz; 0 turns them off.")
	flags.StringVar(&o.pprofAddress, "pprof-bind-address", "0", "Address of the net/http/pprof endpoint, for profiles; 0 turns it off.")
	flags.Func("namespaces", "Namespaces of the LLMBackends to work for, separated by commas; empty means all.", func(value string) (err error) {
		o.namespaces, err = parseNamespaces(value)
		return err
	})
	o.leader.bind(flags)
	flags.IntVar(&o.reconciles, "max-concurrent-reconciles", 32, "How many LLMBackends are written at the same time.")
	flags.IntVar(&o.connections, "max-probe-connections", probe.DefaultMaxConnections, "How many connections all probes may have at the same time.")
	flags.Float64Var(&o.failovers, "max-failovers-per-second", 0,
		"How many LLMBackends may be moved in a second, one after the other, by failover or failback; 0 means any number. Resets and switches do not wait.")
	flags.Func("denied-cidrs", "CIDRs, separated by commas, in which no region may be: they are neither probed nor published.", prefixes(&o.ranges.Denied))
	flags.Func("allowed-cidrs", "CIDRs, separated by commas, in which regions must be; empty means anywhere.", prefixes(&o.ranges.Allowed))
	flags.Func("prometheus-servers", "URLs of Prometheus servers, separated by commas, that LLMBackends may have asked for signals; empty means none.", func(value string) error {
		servers, err := prometheus.ParseServers(value)
		o.prometheusServers = append(o.prometheusServers, servers...)
		return err
	})
	o.outcomes.bind(flags)
	flags.BoolVar(&o.tracing, "tracing", false,
		"Send OpenTelemetry traces of reconciles and probes by OTLP (gRPC), to where OTEL_EXPORTER_OTLP_ENDPOINT says.")
	flags.BoolVar(&o.checkLeader, "check-leader", false, "Wait until a manager leads, for at most a minute, say which, and exit.")
	flags.BoolVar(&o.showVersion, "version", false, "Print the version and exit.")
	o.log.BindFlags(flags)
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is not a flag: there are no arguments", flags.Arg(0))
	}
	return o, errors.Join(o.leader.validate(), o.metrics.validate(), o.outcomes.validate(), o.validateFailovers())
}

func (o options) validateFailovers() error {
	if o.failovers >= 0 && !math.IsInf(o.failovers, 0) {
		return nil
	}
	return fmt.Errorf("--max-failovers-per-second=%v is no rate: write a number such as 5 or 0.5, or 0 for no limit", o.failovers)
}

// prefixes returns how a flag that may be given several times is read.
func prefixes(into *[]netip.Prefix) func(string) error {
	return func(list string) error {
		parsed, err := probe.ParsePrefixes(list)
		*into = append(*into, parsed...)
		return err
	}
}

func parseNamespaces(value string) ([]string, error) {
	if value == "" {
		return nil, nil
	}
	namespaces := strings.Split(value, ",")
	for _, namespace := range namespaces {
		if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
			return nil, fmt.Errorf("%q is not the name of a namespace: write them as in apps,team-a", namespace)
		}
	}
	return namespaces, nil
}
