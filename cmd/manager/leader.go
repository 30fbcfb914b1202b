// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"time"

	"k8s.io/client-go/tools/leaderelection"
)

// minLease is the shortest lease that a Lease object can name: it counts whole seconds.
const minLease = time.Second

// leaderOptions are the flags about which of several managers leads.
type leaderOptions struct {
	elect     bool
	namespace string
	lease     time.Duration
	renew     time.Duration
	retry     time.Duration
}

func (o *leaderOptions) bind(flags *flag.FlagSet) {
	flags.BoolVar(&o.elect, "leader-elect", true, "Let only one of several managers probe and write.")
	flags.StringVar(&o.namespace, "leader-election-namespace", "", "Namespace of the leader's Lease; empty means the manager's own.")
	flags.DurationVar(&o.lease, "leader-election-lease-duration", 15*time.Second,
		"How long the others wait for a leader that does not renew its Lease, at least 1s: so long may nobody move traffic.")
	flags.DurationVar(&o.renew, "leader-election-renew-deadline", 10*time.Second,
		"How long a leader tries to renew its Lease before it ends; shorter than the lease duration.")
	// client-go waits up to 2.2 times as long: a leader that is stopped hands over within 3 s.
	flags.DurationVar(&o.retry, "leader-election-retry-period", time.Second,
		"Time between two tries to take or renew the Lease; at most 5/6 of the renew deadline.")
}

// validate says what to write instead of durations with which two managers could lead at once, or none.
func (o *leaderOptions) validate() error {
	switch {
	case o.lease < minLease:
		return fmt.Errorf("--leader-election-lease-duration=%s is too short: write at least %s", o.lease, minLease)
	case o.renew >= o.lease:
		return fmt.Errorf("--leader-election-renew-deadline=%s must be shorter than --leader-election-lease-duration=%s, "+
			"so that a leader has ended before another one takes over: write at most %s", o.renew, o.lease, o.lease*2/3)
	case o.retry <= 0:
		return fmt.Errorf("--leader-election-retry-period=%s must be more than 0s: write %s", o.retry, o.renew/5)
	case float64(o.renew) <= leaderelection.JitterFactor*float64(o.retry):
		return fmt.Errorf("--leader-election-retry-period=%s leaves no second try within --leader-election-renew-deadline=%s: write at most %s",
			o.retry, o.renew, o.renew/5)
	}
	return nil
}
