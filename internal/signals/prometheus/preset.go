// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package prometheus

// Queries are those of a preset, with ${selector} and ${window} to be filled in. Where nothing has failed yet there is
// no series of failures; so Bad is 0 then, and Total alone says whether there are data.
type Queries struct{ Bad, Total string }

// Presets of the software that counts calls. A call has failed when its status is 5xx.
var presets = map[string]Queries{
	"Envoy": {
		Bad:   `sum(rate(envoy_cluster_upstream_rq_xx{envoy_response_code_class="5",${selector}}[${window}])) or vector(0)`,
		Total: `sum(rate(envoy_cluster_upstream_rq_total{${selector}}[${window}]))`,
	},
	"Istio": {
		Bad:   `sum(rate(istio_requests_total{reporter="source",response_code=~"5..",${selector}}[${window}])) or vector(0)`,
		Total: `sum(rate(istio_requests_total{reporter="source",${selector}}[${window}]))`,
	},
	"LiteLLM": {
		Bad:   `sum(rate(litellm_deployment_failure_responses_total{exception_status=~"5..",${selector}}[${window}])) or vector(0)`,
		Total: `sum(rate(litellm_deployment_total_requests_total{${selector}}[${window}]))`,
	},
	"vLLM": {
		Bad:   `sum(rate(http_requests_total{handler=~"/v1/.+",status="5xx",${selector}}[${window}])) or vector(0)`,
		Total: `sum(rate(http_requests_total{handler=~"/v1/.+",${selector}}[${window}]))`,
	},
}

// Preset returns the queries of a preset; false if there is none of that name.
func Preset(name string) (Queries, bool) {
	q, ok := presets[name]
	return q, ok
}
