// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Command manager is the Breakwater operator.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/controller"
	"github.com/breakwater-dev/breakwater/internal/probe"
)

// version is set by the linker.
var version = "dev"

// heapGrowth is by how many percent the heap may grow before garbage is collected, unless GOGC says otherwise. Most of
// the heap is what is known of LLMBackends, which stays, and a probe leaves little behind: half of Go's 100 saves a
// quarter of the memory and costs a hundredth of a core with 10,000 LLMBackends.
const heapGrowth = 50

// shutdownGrace bounds the time in which writes under way may end. It has to be shorter than the Pod's
// terminationGracePeriodSeconds, or the Lease would not be released.
const shutdownGrace = 15 * time.Second

func main() {
	o, err := parse(flag.CommandLine, os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if o.showVersion {
		fmt.Println(version)
		return
	}
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&o.log)))
	if !o.checkLeader {
		if err := slacken(); err != nil {
			ctrl.Log.Info("Timers are exact, which costs CPU time", "reason", err.Error())
		}
	}
	ctx := ctrl.SetupSignalHandler()
	if o.checkLeader {
		if err := checkLeader(ctx, o.leader.namespace); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := run(ctx, o); err != nil {
		ctrl.Log.Error(err, "The manager has ended")
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	if err := metrics.Registry.Register(buildInfo()); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	if err := checkConnections(); err != nil {
		return err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find a cluster: %w", err)
	}
	config.QPS = -1 // the API server's priority and fairness is the limit
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        newScheme(),
		Metrics:                       o.metrics.server(),
		HealthProbeBindAddress:        o.healthAddress,
		PprofBindAddress:              o.pprofAddress,
		LeaderElection:                o.leader.elect,
		LeaderElectionID:              leaseName,
		LeaderElectionNamespace:       o.leader.namespace,
		LeaderElectionReleaseOnCancel: true,
		LeaseDuration:                 &o.leader.lease,
		RenewDeadline:                 &o.leader.renew,
		RetryPeriod:                   &o.leader.retry,
		GracefulShutdownTimeout:       new(shutdownGrace),
		Cache:                         cacheOptions(o.namespaces),
	})
	if err != nil {
		return fmt.Errorf("create manager: %w", err)
	}
	spans, endTracing, err := tracing(ctx, o.tracing)
	if err != nil {
		return err
	}
	defer endTracing()
	if err := controller.Add(mgr, controller.Options{
		MaxConcurrentReconciles: o.reconciles,
		MaxFailoversPerSecond:   o.failovers,
		MaxProbeConnections:     o.connections,
		Lookup:                  probe.DNS{},
		Ranges:                  o.ranges,
		PrometheusServers:       o.prometheusServers,
		Intake:                  o.outcomes.intake(),
		Metrics:                 metrics.Registry,
		Tracing:                 spans,
	}); err != nil {
		return fmt.Errorf("set up the controller: %w", err)
	}
	ctrl.Log.Info("Starting", "version", version, "namespaces", o.namespaces)
	return mgr.Start(ctx)
}

// cacheOptions lets the operator see the given namespaces only, or all of them if there are none given.
func cacheOptions(namespaces []string) cache.Options {
	opts := cache.Options{DefaultTransform: cache.TransformStripManagedFields()}
	if len(namespaces) > 0 {
		opts.DefaultNamespaces = map[string]cache.Config{}
	}
	for _, namespace := range namespaces {
		opts.DefaultNamespaces[namespace] = cache.Config{}
	}
	return opts
}

// buildInfo is a metric that is always 1 and says by its labels what runs.
func buildInfo() prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "breakwater_build_info",
		Help:        "Version of the operator and of the Go that built it; the value is always 1.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	info.Set(1)
	return info
}

func newScheme() *apiruntime.Scheme {
	scheme := apiruntime.NewScheme()
	for _, add := range []func(*apiruntime.Scheme) error{clientgoscheme.AddToScheme, llmv1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			panic(err) // two types of one name: cannot be put right at run time
		}
	}
	return scheme
}
