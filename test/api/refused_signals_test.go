// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package api_test

import "strings"

func signalRefusals() []refusal {
	const (
		where  = "spec.signals.prometheus"
		one    = "exactly one of preset, bad and errorRatio must be set: name the software whose metrics these are, or write the query for the rate of failed calls and total beside it, or one for their share"
		total  = "total goes with bad, which needs it, or with errorRatio: write the query for the rate of all calls beside bad, or remove it beside preset"
		server = "server must be a URL that begins with http:// or https://, without user, query and fragment, such as http://prometheus.monitoring.svc:9090"
		window = "window must be 10s to 1h, such as 1m"
		period = "period must be 1s to 1h, such as 15s"
		region = "region must be the name of a region: lower-case letters, digits and - between them, such as us-east"
		braces = `matchers must be label matchers without braces, separated by commas, such as envoy_cluster_name="us-east"`
	)
	tests := []struct{ signal, field, message string }{
		{`server: "http://p:9090"`, "", one},
		{`server: "http://p:9090", preset: vLLM, errorRatio: x`, "", one},
		{`server: "http://p:9090", bad: b, total: t, errorRatio: r`, "", one},
		{`server: "http://p:9090", bad: x`, "", total},
		{`server: "http://p:9090", preset: vLLM, total: x`, "", total},
		{`server: "http://p:9090", preset: Nginx`, ".preset", `supported values: "Envoy", "Istio", "LiteLLM", "vLLM"`},
		{`server: "prometheus:9090", preset: vLLM`, ".server", server},
		{`server: "http://u:p@prometheus:9090", preset: vLLM`, ".server", server},
		{`server: "http://prometheus:9090/?query=up", preset: vLLM`, ".server", server},
		{`server: "http://prom etheus:9090", preset: vLLM`, ".server", server},
		{`server: "http://p:9090", preset: vLLM, window: 9s`, ".window", window},
		{`server: "http://p:9090", preset: vLLM, window: 61m`, ".window", window},
		{`server: "http://p:9090", preset: vLLM, window: "60"`, ".window", durationMessage},
		{`server: "http://p:9090", preset: vLLM, period: 999ms`, ".period", period},
		{`server: "http://p:9090", preset: vLLM, period: 2h`, ".period", period},
		{`server: "http://p:9090", preset: vLLM, minCalls: 0`, ".minCalls", "should be greater than or equal to 1"},
		{`server: "http://p:9090", preset: vLLM, failurePercent: 101`, ".failurePercent", "should be less than or equal to 100"},
		{`server: "http://p:9090", errorRatio: ` + strings.Repeat("x", 1025), ".errorRatio", "may not be more than 1024 bytes"},
		{`server: "http://p:9090", preset: vLLM, selectors: [{region: US, matchers: a}]`, ".selectors[0].region", region},
		{`server: "http://p:9090", preset: vLLM, selectors: [{region: us, matchers: "{a}"}]`, ".selectors[0].matchers", braces},
	}
	var refusals []refusal
	for _, test := range tests {
		refusals = append(refusals, refusal{`{spec: {signals: {prometheus: {` + test.signal + `}}}}`, causes{where + test.field: test.message}})
	}
	return refusals
}
