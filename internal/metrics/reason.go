// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import "strings"

// otherReason stands for every reason that is not in the closed set.
const otherReason = "Other"

// reasons are all that a label may have, HTTP status codes aside: a reason that a server or a user could make up
// would make a series.
var reasons = set(
	// Of transitions.
	"BreakerOpen", "ActiveRegionRemoved", "PreferredRegionHealthy", "Requested", "Recovered", "Reset", "EndpointChanged",
	// Of answers and of what was no answer.
	"Connected", "RateLimited", "QuotaExhausted", "Slow", "Unknown", "Timeout", "ConnectionRefused", "ConnectionReset", "Unreachable",
	"NameNotFound", "TLSError", "MalformedResponse", "StreamError", "ModelMissing", "AssertionFailed", "NotServing",
	"NoReadyEndpoints", "ServiceNotFound", "ResolverUnavailable", "NotMade", "CredentialsUnreadable", "BudgetExhausted", "AddressFamily",
	"AddressRefused", "ClusterIPEndpoint", "InvalidExpression", "RefNotPermitted", "ServicePortNotFound",
	"ExternalNameService", "PublishedService",
	// Of holds.
	"NoHealthyRegion", "MaxPerHour", "WaitingForTurn",
)

func set(words ...string) map[string]bool {
	s := make(map[string]bool, len(words))
	for _, w := range words {
		s[w] = true
	}
	return s
}

// BoundedReason returns the reason as a label may have it: a status code as its class, such as Status5xx, and one
// that is not known as Other.
func BoundedReason(reason string) string {
	if code, ok := strings.CutPrefix(reason, "Status"); ok && len(code) == 3 && code[0] >= '1' && code[0] <= '5' {
		return "Status" + code[:1] + "xx"
	}
	if reasons[reason] {
		return reason
	}
	return otherReason
}
