// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/netip"
	"testing"
	"time"

	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/internal/serviceref"
)

func TestOutcomeOf(t *testing.T) {
	v4, v4b, v6 := netip.MustParseAddr("10.1.0.10"), netip.MustParseAddr("10.1.0.11"), netip.MustParseAddr("fd00::10")
	answer := func(addr netip.Addr, status int, err probe.ErrorClass) probe.AddressResult {
		return probe.AddressResult{Addr: addr, Answer: probe.Answer{Status: status, Err: err}}
	}
	both := []probe.Family{probe.IPv4, probe.IPv6}
	for _, test := range []struct {
		name   string
		result probe.Result
		class  failover.Class
		reason string
	}{
		{"ok", probe.Result{Addresses: []probe.AddressResult{answer(v4, 200, "")}}, failover.Success, "Status200"},
		{"connected", probe.Result{Addresses: []probe.AddressResult{answer(v4, 0, "")}}, failover.Success, "Connected"},
		{"failing", probe.Result{Addresses: []probe.AddressResult{answer(v4, 503, "")}}, failover.Failure, "Status503"},
		{"ok and then cut", probe.Result{Addresses: []probe.AddressResult{answer(v4, 200, probe.ConnectionReset)}}, failover.Failure, "ConnectionReset"},
		{"one of two serves", probe.Result{Addresses: []probe.AddressResult{answer(v4, 503, ""), answer(v4b, 200, "")}}, failover.Success, "Status200"},
		{"an address that may serve says more than one that fails", probe.Result{Addresses: []probe.AddressResult{answer(v4, 401, ""), answer(v4b, 503, "")}}, failover.Excluded, "Status401"},
		{"both families serve", probe.Result{Families: both, Addresses: []probe.AddressResult{answer(v4, 200, ""), answer(v6, 200, "")}}, failover.Success, "Status200"},
		{"one family fails", probe.Result{Families: both, Addresses: []probe.AddressResult{answer(v4, 200, ""), answer(v6, 0, probe.Timeout)}}, failover.Failure, "Timeout"},
		{"one family is missing", probe.Result{Families: both, Addresses: []probe.AddressResult{answer(v4, 200, "")}}, failover.Excluded, "AddressFamily"},
		{"cluster IP", probe.Result{Addresses: []probe.AddressResult{
			{Addr: v4, Answer: probe.Answer{Err: probe.Forbidden, Detail: clusterIPReason}},
		}}, failover.Excluded, "ClusterIPEndpoint"},
		{"refused address", probe.Result{Addresses: []probe.AddressResult{answer(v4, 0, probe.Forbidden)}}, failover.Excluded, "AddressRefused"},
		{"no such name", probe.Result{Err: probe.NameNotFound}, failover.Failure, "NameNotFound"},
		{"no resolver", probe.Result{Err: probe.ResolverUnavailable}, failover.Unknown, "ResolverUnavailable"},
		{"no ready endpoints", probe.Result{Err: probe.ErrorClass(serviceref.NoReadyEndpoints)}, failover.Failure, "NoReadyEndpoints"},
		{"no such Service", probe.Result{Err: probe.ErrorClass(serviceref.NotFound)}, failover.Failure, "ServiceNotFound"},
		{"no such port", probe.Result{Err: probe.ErrorClass(serviceref.PortNotFound)}, failover.Failure, "ServicePortNotFound"},
		{"not permitted", probe.Result{Err: probe.ErrorClass(serviceref.NotPermitted)}, failover.Failure, "RefNotPermitted"},
		{"no endpoints at all", probe.Result{Err: probe.ErrorClass(serviceref.ExternalName)}, failover.Failure, "ExternalNameService"},
		{"another's Service", probe.Result{Err: probe.ErrorClass(serviceref.Published)}, failover.Failure, "PublishedService"},
		{"a Service without a family", probe.Result{Err: probe.ErrorClass(serviceref.AddressFamily)}, failover.Excluded, "AddressFamily"},
		{"not made", probe.Result{Err: probe.Local}, failover.Unknown, "NotMade"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := outcomeOf(time.Now(), test.result, &failover.Classifier{FailureStatusCodes: []int{503}})
			if got.Class != test.class || got.Reason() != test.reason {
				t.Errorf("class %d reason %s, want class %d reason %s", got.Class, got.Reason(), test.class, test.reason)
			}
		})
	}
}
