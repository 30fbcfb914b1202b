// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"time"

	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/internal/serviceref"
)

// faults says what the error classes of probes mean to the decision.
var faults = map[probe.ErrorClass]failover.Fault{
	probe.None:                  failover.NoFault,
	probe.Timeout:               failover.Timeout,
	probe.ConnectionRefused:     failover.ConnectionRefused,
	probe.ConnectionReset:       failover.ConnectionReset,
	probe.Unreachable:           failover.Unreachable,
	probe.TLS:                   failover.TLSError,
	probe.MalformedResponse:     failover.MalformedResponse,
	probe.StreamError:           failover.StreamError,
	probe.ModelNotServed:        failover.ModelNotServed,
	probe.AssertionFailed:       failover.AssertionFailed,
	probe.NotServing:            failover.NotServing,
	probe.NameNotFound:          failover.NameNotFound,
	probe.ResolverUnavailable:   failover.ResolverUnavailable,
	probe.Canceled:              failover.NotMade,
	probe.Local:                 failover.NotMade,
	probe.CredentialsUnreadable: failover.CredentialsUnreadable,
	probe.BudgetExhausted:       failover.BudgetExhausted,
	probe.InvalidExpression:     failover.InvalidExpression,
	probe.AddressFamily:         failover.AddressFamily,
	probe.Forbidden:             failover.AddressRefused,

	probe.ErrorClass(serviceref.NoReadyEndpoints): failover.NoReadyEndpoints,
	probe.ErrorClass(serviceref.NotFound):         failover.ServiceNotFound,
	probe.ErrorClass(serviceref.NotPermitted):     failover.RefNotPermitted,
	probe.ErrorClass(serviceref.PortNotFound):     failover.ServicePortNotFound,
	probe.ErrorClass(serviceref.ExternalName):     failover.ExternalNameService,
	probe.ErrorClass(serviceref.Published):        failover.PublishedService,
}

// outcomeOf classifies what a probe saw. One address that serves is enough for a family, and each family
// that the Service needs must be served.
func outcomeOf(now time.Time, result probe.Result, by *failover.Classifier) failover.Outcome {
	if len(result.Addresses) == 0 {
		return by.Classify(failover.Response{Fault: faults[result.Err]})
	}
	if len(result.Missing()) > 0 {
		return by.Classify(failover.Response{Fault: failover.AddressFamily})
	}
	families := result.Families
	if len(families) <= 1 { // only addresses of the needed families have been asked
		return bestOutcome(now, result.Addresses, by)
	}
	var worst failover.Outcome
	for i, family := range families {
		var ofFamily []probe.AddressResult
		for _, a := range result.Addresses {
			if probe.FamilyOf(a.Addr) == family {
				ofFamily = append(ofFamily, a)
			}
		}
		best := bestOutcome(now, ofFamily, by)
		if i == 0 {
			worst = best
		}
		worst = failover.Worse(worst, best)
	}
	return worst
}

func bestOutcome(now time.Time, results []probe.AddressResult, by *failover.Classifier) failover.Outcome {
	best := answerOutcome(now, results[0].Answer, by)
	for _, r := range results[1:] {
		best = failover.Better(best, answerOutcome(now, r.Answer, by))
	}
	return best
}

func answerOutcome(now time.Time, a probe.Answer, by *failover.Classifier) failover.Outcome {
	r := failover.Response{
		Status:     a.Status,
		Connected:  a.Err == probe.None,
		Fault:      faults[a.Err],
		RetryAfter: failover.ParseRetryAfter(now, a.RetryAfter, a.RetryAfterMs),
		Expected:   a.Expected,
		ErrorCode:  a.ErrorCode,
		ErrorType:  a.ErrorType,
		Headers:    a.Headers,
		Latency:    a.First,
	}
	if a.Err == probe.Forbidden && a.Detail == clusterIPReason {
		r.Fault = failover.ClusterIPEndpoint
	}
	return by.Classify(r)
}
