// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package api_test

import "fmt"

// budgetRefusals are about what probes ask beyond their type, and what that may cost.
func budgetRefusals() []refusal {
	const (
		path  = "path must begin with / and hold only printable ASCII characters, without spaces and #: percent-encode the others, as in /v1/models?limit=1000"
		last  = "the ladder must end with what costs most: write OpenAIModels first and OpenAICompletion last"
		model = "a ladder with OpenAICompletion needs the name of the model that it is to ask: write it into spec.model"
	)
	tests := []struct{ probe, field, message string }{
		{`{ladder: [{type: HTTP}]}`, "ladder[0].type", `supported values: "OpenAIModels", "OpenAICompletion"`},
		{`{ladder: [{path: /v1/models}]}`, "ladder[0].type", "Required value"},
		{`{ladder: [{type: OpenAIModels}, {type: OpenAIModels}]}`, "ladder[1]", `Duplicate value: {"type":"OpenAIModels"}`},
		{`{ladder: [{type: OpenAIModels, path: v1}]}`, "ladder[0].path", path},
		{`{ladder: [{type: OpenAIModels, path: "/v1 HTTP/1.1"}]}`, "ladder[0].path", path},
		{`{budget: {maxCompletionsPerHour: -1}}`, "budget.maxCompletionsPerHour", "should be greater than or equal to 0"},
		{`{budget: {maxCompletionsPerHour: 100001}}`, "budget.maxCompletionsPerHour", "should be less than or equal to 100000"},
		{`{budget: {maxTokensPerDay: -1}}`, "budget.maxTokensPerDay", "should be greater than or equal to 0"},
		{`{budget: {maxTokensPerDay: 1000000001}}`, "budget.maxTokensPerDay", "should be less than or equal to 1000000000"},
	}
	var refusals []refusal
	for place, at := range probePlaces() {
		for _, test := range tests {
			refusals = append(refusals, refusal{fmt.Sprintf(place, test.probe), causes{at + "." + test.field: test.message}})
		}
		refusals = append(refusals,
			refusal{fmt.Sprintf(place, `{ladder: [{type: OpenAICompletion}]}`), causes{"spec.model": model}},
			refusal{
				fmt.Sprintf(place, `{ladder: [{type: OpenAICompletion}, {type: OpenAIModels}]}`),
				causes{at + ".ladder": last, "spec.model": model},
			})
	}
	return refusals
}
