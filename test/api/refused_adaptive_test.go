// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package api_test

import "fmt"

func adaptiveRefusals() []refusal {
	const (
		alone     = "adaptive is for mode Adaptive alone: write mode: Adaptive, or remove adaptive"
		percent   = "lowFailurePercent must be below highFailurePercent: lower the first or raise the second"
		threshold = "minFailureThreshold must not be above maxFailureThreshold: lower the first or raise the second"
		open      = "minOpenDuration must not be longer than maxOpenDuration: shorten the first or lengthen the second"
		shortest  = "minOpenDuration must be 1s to 24h, such as 10s"
		longest   = "maxOpenDuration must be 1s to 24h, such as 10m"
	)
	const path = "spec.breaker.adaptive."
	refusals := []refusal{
		{`{spec: {breaker: {adaptive: {}}}}`, causes{"spec.breaker.adaptive": alone}},
		{`{spec: {breaker: {mode: Fixed, adaptive: {minFailureThreshold: 3}}}}`, causes{"spec.breaker.adaptive": alone}},

		{adaptive(`{lowFailurePercent: 0, highFailurePercent: 1}`), causes{
			path + "lowFailurePercent":  "should be greater than or equal to 1",
			path + "highFailurePercent": "should be greater than or equal to 2",
		}},
		{adaptive(`{lowFailurePercent: 99, highFailurePercent: 100}`), causes{
			path + "lowFailurePercent":  "should be less than or equal to 98",
			path + "highFailurePercent": "should be less than or equal to 99",
		}},
		{adaptive(`{minFailureThreshold: 0, maxFailureThreshold: 0}`), causes{
			path + "minFailureThreshold": "should be greater than or equal to 1",
			path + "maxFailureThreshold": "should be greater than or equal to 1",
		}},
		{adaptive(`{minFailureThreshold: 101, maxFailureThreshold: 101}`), causes{
			path + "minFailureThreshold": "should be less than or equal to 100",
			path + "maxFailureThreshold": "should be less than or equal to 100",
		}},
		{adaptive(`{minOpenDuration: 999ms, maxOpenDuration: 999ms}`), causes{path + "minOpenDuration": shortest, path + "maxOpenDuration": longest}},
		{adaptive(`{minOpenDuration: 24h1s, maxOpenDuration: 24h1s}`), causes{path + "minOpenDuration": shortest, path + "maxOpenDuration": longest}},
	}
	for _, test := range []struct{ spec, field, message string }{
		{`{lowFailurePercent: 90}`, "lowFailurePercent", percent},
		{`{highFailurePercent: 10}`, "lowFailurePercent", percent},
		{`{minFailureThreshold: 21}`, "minFailureThreshold", threshold},
		{`{maxFailureThreshold: 1}`, "minFailureThreshold", threshold},
		{`{minOpenDuration: 11m}`, "minOpenDuration", open},
		{`{minOpenDuration: "10"}`, "minOpenDuration", durationMessage},
		{`{maxOpenDuration: 9s}`, "minOpenDuration", open},
		{`{maxOpenDuration: "10"}`, "maxOpenDuration", durationMessage},
	} {
		refusals = append(refusals, refusal{adaptive(test.spec), causes{path + test.field: test.message}})
	}
	return refusals
}

func adaptive(spec string) string {
	return fmt.Sprintf(`{spec: {breaker: {mode: Adaptive, adaptive: %s}}}`, spec)
}
