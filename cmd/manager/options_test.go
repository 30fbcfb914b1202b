// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestParse(t *testing.T) {
	tests := map[string]struct {
		args       []string
		namespaces []string
		wantError  string // a part of it; empty for none
	}{
		"nothing":                   {},
		"all namespaces":            {args: []string{"--namespaces="}},
		"some namespaces":           {args: []string{"--namespaces=apps,team-a"}, namespaces: []string{"apps", "team-a"}},
		"no namespace":              {args: []string{"--namespaces=apps,"}, wantError: "write them as in apps,team-a"},
		"a slow fleet":              {args: []string{"--max-failovers-per-second=0.5"}},
		"a fleet that goes back":    {args: []string{"--max-failovers-per-second=-1"}, wantError: "write a number such as 5 or 0.5, or 0 for no limit"},
		"no number of failovers":    {args: []string{"--max-failovers-per-second=NaN"}, wantError: "write a number such as 5"},
		"an argument":               {args: []string{"true"}, wantError: `"true" is not a flag`},
		"an impossible election":    {args: []string{"--leader-election-retry-period=9s"}, wantError: "--leader-election-retry-period=9s leaves no second try"},
		"no Prometheus server":      {args: []string{"--prometheus-servers=prometheus:9090"}, wantError: "write it as in http://prometheus.monitoring.svc:9090"},
		"Prometheus servers":        {args: []string{"--prometheus-servers=http://a:9090,https://b/c"}},
		"no port for outcomes":      {args: []string{"--outcomes-bind-address=9443"}, wantError: "write an address and a port, such as :9443"},
		"no Service for outcomes":   {args: []string{"--outcomes-bind-address=:9443", "--outcomes-service=outcomes"}, wantError: "write namespace and name"},
		"no address for outcomes":   {args: []string{"--outcomes-bind-address=:9443", "--outcomes-service=a/b", "--outcomes-address=$(POD_IP)"}, wantError: "write the IP address of the Pod"},
		"outcomes":                  {args: []string{"--outcomes-bind-address=:9443", "--outcomes-service=a/b", "--outcomes-address=10.1.0.10"}},
		"a quick election is right": {args: []string{"--leader-election-lease-duration=2s", "--leader-election-renew-deadline=1s", "--leader-election-retry-period=200ms"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			flags := flag.NewFlagSet("manager", flag.ContinueOnError)
			flags.SetOutput(io.Discard)
			got, err := parse(flags, test.args)
			if test.wantError == "" != (err == nil) || err != nil && !strings.Contains(err.Error(), test.wantError) {
				t.Fatalf("got error %v, want one with %q", err, test.wantError)
			}
			if diff := cmp.Diff(test.namespaces, got.namespaces); err == nil && diff != "" {
				t.Errorf("namespaces (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHeld(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	renewed := func(ago time.Duration) coordinationv1.LeaseSpec {
		return coordinationv1.LeaseSpec{
			HolderIdentity:       new("breakwater-manager-a"),
			LeaseDurationSeconds: new(int32(15)),
			RenewTime:            &metav1.MicroTime{Time: now.Add(-ago)},
		}
	}
	released := renewed(time.Second)
	released.HolderIdentity = new("")
	tests := map[string]struct {
		spec coordinationv1.LeaseSpec
		want bool
	}{
		"new":      {spec: coordinationv1.LeaseSpec{}},
		"released": {spec: released},
		"renewed":  {spec: renewed(14 * time.Second), want: true},
		"ended":    {spec: renewed(15 * time.Second)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := held(&coordinationv1.Lease{Spec: test.spec}, now); (err == nil) != test.want {
				t.Errorf("held: %v, want held = %t", err, test.want)
			}
		})
	}
}
