// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"strings"
)

const (
	timeoutMessage       = "timeout must not be longer than period: shorten timeout or lengthen period"
	regionTimeoutMessage = "timeout must not be longer than period (what a region does not set is as in spec.probe): shorten timeout or lengthen period"
	durationMessage      = "a duration must be whole numbers, each with its unit h, m, s or ms, such as 5s, 1m30s or 250ms"
	secondaryWithProbe   = `{spec: {secondaries: [{name: eu-west, endpoint: {url: "http://10.2.0.10"}, probe: %s}]}}`
)

// probePlaces are where a probe is described, as a patch and as the path of the fields.
func probePlaces() map[string]string {
	return map[string]string{
		`{spec: {probe: %s}}`:            "spec.probe",
		`{spec: {primary: {probe: %s}}}`: "spec.primary.probe",
		secondaryWithProbe:               "spec.secondaries[0].probe",
	}
}

func probeRefusals() []refusal {
	const path = "path must begin with / and hold only printable ASCII characters, without spaces and #: percent-encode the others, as in /health?model=a%20b"
	tests := []struct{ probe, field, message string }{
		{`{type: ICMP}`, "type", `supported values: "HTTP", "TCP", "GRPC", "OpenAIModels", "OpenAICompletion"`},
		{`{mode: Passive}`, "mode", `supported values: "Active", "OnDemand"`},
		{`{successThreshold: 0}`, "successThreshold", "should be greater than or equal to 1"},
		{`{successThreshold: 11}`, "successThreshold", "should be less than or equal to 10"},
		{`{http: {path: health}}`, "http.path", path},
		{`{http: {path: "http://10.1.0.10/health"}}`, "http.path", path},
		{`{http: {path: "/a b"}}`, "http.path", path},
		{`{http: {path: "/a#b"}}`, "http.path", path},
		{`{http: {path: "/ä"}}`, "http.path", path},
		{`{http: {path: "/\r\nX-Injected: 1"}}`, "http.path", path},
		{`{http: {path: "/\n"}}`, "http.path", path},
		{`{http: {path: /` + strings.Repeat("a", 512) + `}}`, "http.path", "may not be more than 512 bytes"},
		{`{period: 61m}`, "period", "period must be 100ms to 1h, such as 5s"},
		{`{period: 5}`, "period", `must be of type string: "integer"`},
		{`{period: "5"}`, "period", durationMessage},
		{`{suspectPeriod: 99ms}`, "suspectPeriod", "suspectPeriod must be 100ms to 1h, such as 1s"},
		{`{suspectPeriod: 2h}`, "suspectPeriod", "suspectPeriod must be 100ms to 1h, such as 1s"},
		{`{suspectPeriod: never}`, "suspectPeriod", durationMessage},
		{`{timeout: 99ms}`, "timeout", "timeout must be 100ms to 1h, such as 3s"},
		{`{timeout: 3}`, "timeout", `must be of type string: "integer"`},
		{`{timeout: "3"}`, "timeout", durationMessage},
	}
	refusals := []refusal{
		{`{spec: {probe: {timeout: 6s}}}`, causes{"spec.probe.timeout": timeoutMessage}},
		{`{spec: {probe: {period: 2s}}}`, causes{"spec.probe.timeout": timeoutMessage}},
		{`{spec: {probe: {period: 1m, timeout: 61s}}}`, causes{"spec.probe.timeout": timeoutMessage}},
		{`{spec: {probe: {timeout: 6s}, primary: {probe: {type: TCP}}}}`, causes{"spec.probe.timeout": timeoutMessage}},
		{`{spec: {probe: {period: 99ms, timeout: 100ms}}}`,
			causes{"spec.probe.period": "period must be 100ms to 1h, such as 5s", "spec.probe.timeout": timeoutMessage}},

		{`{spec: {primary: {probe: {timeout: 6s}}}}`, causes{"spec.primary.probe": regionTimeoutMessage}},
		{`{spec: {primary: {probe: {period: 2s}}}}`, causes{"spec.primary.probe": regionTimeoutMessage}},
		{`{spec: {primary: {probe: {period: 20s, timeout: 21s}}}}`, causes{"spec.primary.probe": regionTimeoutMessage}},
		{fmt.Sprintf(secondaryWithProbe, `{timeout: 6s}`), causes{"spec.secondaries": "probe: " + regionTimeoutMessage}},
		{fmt.Sprintf(secondaryWithProbe, `{period: 2s}`), causes{"spec.secondaries": "probe: " + regionTimeoutMessage}},
		{fmt.Sprintf(secondaryWithProbe, `{period: 20s, timeout: 21s}`), causes{"spec.secondaries": "probe: " + regionTimeoutMessage}},
	}
	for place, path := range probePlaces() {
		for _, test := range tests {
			refusals = append(refusals, refusal{fmt.Sprintf(place, test.probe), causes{path + "." + test.field: test.message}})
		}
	}
	return refusals
}

// durationRefusals are about every other duration, and about one of them in every bad form.
func durationRefusals() []refusal {
	const (
		open       = "openDuration must be 1s to 24h, such as 60s"
		retryAfter = "retryAfterThreshold must be 100ms to 24h, such as 2m"
		least      = "minDuration must be 0s to 24h, such as 30s"
	)
	refusals := []refusal{
		{`{spec: {breaker: {openDuration: 999ms}}}`, causes{"spec.breaker.openDuration": open}},
		{`{spec: {breaker: {openDuration: 24h1ms}}}`, causes{"spec.breaker.openDuration": open}},
		{`{spec: {breaker: {openDuration: 1}}}`, causes{"spec.breaker.openDuration": `must be of type string: "integer"`}},
		{`{spec: {breaker: {openDuration: "1"}}}`, causes{"spec.breaker.openDuration": durationMessage}},
		{`{spec: {breaker: {retryAfterThreshold: 0s}}}`, causes{"spec.breaker.retryAfterThreshold": retryAfter}},
		{`{spec: {breaker: {retryAfterThreshold: 25h}}}`, causes{"spec.breaker.retryAfterThreshold": retryAfter}},
		{`{spec: {breaker: {retryAfterThreshold: "60"}}}`, causes{"spec.breaker.retryAfterThreshold": durationMessage}},
		{`{spec: {failover: {minDuration: 25h}}}`, causes{"spec.failover.minDuration": least}},
		{`{spec: {failover: {minDuration: 99999h99999h99999h99999h}}}`, causes{"spec.failover.minDuration": least}},
		{`{spec: {failover: {minDuration: 0000001s0000001s0000001s0}}}`, causes{"spec.failover.minDuration": "may not be more than 24 bytes"}},
	}
	for _, bad := range []string{
		"0", "5", "s", "1d", "1us", "1.5s", "-1s", "+1s", "5 s", "5S", "5sec", " 5s", "5s\n", "100000s", "1h1h1h1h1h", "P1D", "٥s",
	} {
		refusals = append(refusals, refusal{
			fmt.Sprintf(`{spec: {failover: {minDuration: %q}}}`, bad), causes{"spec.failover.minDuration": durationMessage},
		})
	}
	return refusals
}
