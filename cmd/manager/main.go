// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Command manager is the Breakwater operator.
package main

import (
	"flag"
	"fmt"
	"net/netip"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/controller"
	"github.com/breakwater-dev/breakwater/internal/probe"
)

// version is set by the linker.
var version = "dev"

// options are the flags.
type options struct {
	metricsAddress string
	healthAddress  string
	leader         leaderOptions
	reconciles     int
	connections    int
	ranges         probe.Ranges
	showVersion    bool
	log            zap.Options
}

func main() {
	o := parse()
	if o.showVersion {
		fmt.Println(version)
		return
	}
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&o.log)))
	if err := run(o); err != nil {
		ctrl.Log.Error(err, "The manager has ended")
		os.Exit(1)
	}
}

func parse() options {
	var o options
	flag.StringVar(&o.metricsAddress, "metrics-bind-address", "0", "Address of the metrics endpoint; 0 turns it off.")
	flag.StringVar(&o.healthAddress, "health-probe-bind-address", ":8081", "Address of /healthz and /readyz; 0 turns them off.")
	o.leader.bind(flag.CommandLine)
	flag.IntVar(&o.reconciles, "max-concurrent-reconciles", 32, "How many LLMBackends are written at the same time.")
	flag.IntVar(&o.connections, "max-probe-connections", probe.DefaultMaxConnections, "How many connections all probes may have at the same time.")
	flag.Func("denied-cidrs", "CIDRs, separated by commas, in which no region may be: they are neither probed nor published.", prefixes(&o.ranges.Denied))
	flag.Func("allowed-cidrs", "CIDRs, separated by commas, in which regions must be; empty means anywhere.", prefixes(&o.ranges.Allowed))
	flag.BoolVar(&o.showVersion, "version", false, "Print the version and exit.")
	o.log.BindFlags(flag.CommandLine)
	flag.Parse()
	return o
}

// prefixes returns how a flag that may be given several times is read.
func prefixes(into *[]netip.Prefix) func(string) error {
	return func(list string) error {
		parsed, err := probe.ParsePrefixes(list)
		*into = append(*into, parsed...)
		return err
	}
}

func run(o options) error {
	if err := o.leader.validate(); err != nil {
		return err
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find a cluster: %w", err)
	}
	config.QPS = -1 // the API server's priority and fairness is the limit
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        newScheme(),
		Metrics:                       metricsserver.Options{BindAddress: o.metricsAddress},
		HealthProbeBindAddress:        o.healthAddress,
		LeaderElection:                o.leader.elect,
		LeaderElectionID:              "breakwater.llm.breakwater.dev",
		LeaderElectionNamespace:       o.leader.namespace,
		LeaseDuration:                 &o.leader.lease,
		RenewDeadline:                 &o.leader.renew,
		RetryPeriod:                   &o.leader.retry,
		LeaderElectionReleaseOnCancel: true,
		Cache:                         cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
	})
	if err != nil {
		return fmt.Errorf("create manager: %w", err)
	}
	if err := controller.Add(mgr, controller.Options{
		MaxConcurrentReconciles: o.reconciles,
		MaxProbeConnections:     o.connections,
		Lookup:                  probe.DNS{},
		Ranges:                  o.ranges,
	}); err != nil {
		return fmt.Errorf("set up the controller: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	ctrl.Log.Info("Starting", "version", version)
	return mgr.Start(ctrl.SetupSignalHandler())
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, llmv1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			panic(err) // two types of one name: cannot be put right at run time
		}
	}
	return scheme
}
