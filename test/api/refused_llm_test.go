// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"strings"
)

// llmRefusals are about what probes ask and expect, and about rules.
func llmRefusals() []refusal {
	const (
		status     = "a status must be a code from 100 to 599, or a range of them that begins with the lower one, such as 200 or 500-599"
		headerName = "the name of a header must be letters, digits and -, such as X-Ready"
		service    = "service must be printable ASCII characters without spaces, such as inference.GRPCInferenceService"
		header     = "header must be letters, digits and -, such as Authorization or api-key"
		ownHeader  = "header must not be one that HTTP itself uses: write the one in which the server looks for its key, such as Authorization or api-key"
		objectName = "name must be one that an object can have: lower-case letters, digits, - and ., such as openai"
		key        = "key must be one that a Secret can have: letters, digits, -, _ and ., such as api-key"
		serverName = "serverName must be a DNS name in lower case, without scheme, port and a dot at the end, such as llm.example.com"
		errorCode  = "errorCode must be letters, digits, -, _ and ., such as insufficient_quota"
		slow       = "slowThreshold must be 1ms to 1h, such as 2s"
		model      = "probes of type OpenAICompletion need the name of the model that they are to ask: write it into spec.model"
	)
	probes := []struct{ probe, field, message string }{
		{`{preset: LMStudio}`, "preset", `supported values: "vLLM", "SGLang", "TGI", "LlamaCpp", "Ollama", "AzureOpenAI", "Anthropic"`},
		{`{http: {expect: {statuses: ["99"]}}}`, "http.expect.statuses[0]", status},
		{`{http: {expect: {statuses: ["200", "600"]}}}`, "http.expect.statuses[1]", status},
		{`{http: {expect: {statuses: ["2xx"]}}}`, "http.expect.statuses[0]", status},
		{`{http: {expect: {statuses: ["299-200"]}}}`, "http.expect.statuses[0]", status},
		{`{http: {expect: {statuses: ["200-"]}}}`, "http.expect.statuses[0]", status},
		{`{http: {expect: {header: {name: "X Ready", value: a}}}}`, "http.expect.header.name", headerName},
		{`{http: {expect: {header: {name: "X-Ready\r\n", value: a}}}}`, "http.expect.header.name", headerName},
		{`{http: {expect: {bodyExpression: "` + strings.Repeat("a", 513) + `"}}}`, "http.expect.bodyExpression", "may not be more than 512 bytes"},
		{`{grpc: {service: "a b"}}`, "grpc.service", service},
		{`{authorization: {header: "Api Key", secretKeyRef: {name: a, key: b}}}`, "authorization.header", header},
		{`{authorization: {header: "a:b", secretKeyRef: {name: a, key: b}}}`, "authorization.header", header},
		{`{authorization: {header: "HOST", secretKeyRef: {name: a, key: b}}}`, "authorization.header", ownHeader},
		{`{authorization: {header: "Transfer-Encoding", secretKeyRef: {name: a, key: b}}}`, "authorization.header", ownHeader},
		{`{authorization: {header: "Proxy-Authorization", secretKeyRef: {name: a, key: b}}}`, "authorization.header", ownHeader},
		{`{authorization: {secretKeyRef: {name: A, key: b}}}`, "authorization.secretKeyRef.name", objectName},
		{`{authorization: {secretKeyRef: {name: ../a, key: b}}}`, "authorization.secretKeyRef.name", objectName},
		{`{authorization: {secretKeyRef: {name: a, key: "b c"}}}`, "authorization.secretKeyRef.key", key},
		{`{authorization: {}}`, "authorization.secretKeyRef", "Required value"},
		{`{tls: {serverName: "https://a"}}`, "tls.serverName", serverName},
		{`{tls: {caCertificateRef: {kind: Pod, name: a}}}`, "tls.caCertificateRef.kind", `supported values: "ConfigMap", "Secret"`},
		{`{tls: {caCertificateRef: {name: a/b}}}`, "tls.caCertificateRef.name", objectName},
		{`{tls: {clientCertificateRef: {name: a_b}}}`, "tls.clientCertificateRef.name", objectName},
	}
	var refusals []refusal
	for place, path := range probePlaces() {
		for _, test := range probes {
			refusals = append(refusals, refusal{fmt.Sprintf(place, test.probe), causes{path + "." + test.field: test.message}})
		}
		refusals = append(refusals, refusal{fmt.Sprintf(place, `{type: OpenAICompletion}`), causes{"spec.model": model}})
	}
	for _, test := range []struct{ rules, field, message string }{
		{`[{match: {}, outcome: Success}]`, "[0].match", "should have at least 1 properties"},
		{`[{outcome: Success}]`, "[0].match", "Required value"},
		{`[{match: {status: "500"}}]`, "[0].outcome", "Required value"},
		{`[{match: {status: "500"}, outcome: Unknown}]`, "[0].outcome", `supported values: "Success", "Failure", "RateLimited", "Excluded"`},
		{`[{match: {status: "599-500"}, outcome: Failure}]`, "[0].match.status", status},
		{`[{match: {errorCode: "two words"}, outcome: Failure}]`, "[0].match.errorCode", errorCode},
		{`[{match: {header: {name: "a b", value: c}}, outcome: Failure}]`, "[0].match.header.name", headerName},
		{`[` + strings.Repeat(`{match: {status: "500"}, outcome: Failure}, `, 17) + `]`, "", "must have at most 16 items"},
	} {
		refusals = append(refusals, refusal{`{spec: {breaker: {rules: ` + test.rules + `}}}`, causes{"spec.breaker.rules" + test.field: test.message}})
	}
	return append(refusals,
		refusal{`{spec: {model: ""}}`, causes{"spec.model": "should be at least 1 chars long"}},
		refusal{`{spec: {breaker: {slowThreshold: 0s}}}`, causes{"spec.breaker.slowThreshold": slow}},
		refusal{`{spec: {breaker: {slowThreshold: 61m}}}`, causes{"spec.breaker.slowThreshold": slow}},
		refusal{`{spec: {breaker: {slowPercent: 9}}}`, causes{"spec.breaker.slowPercent": "should be greater than or equal to 10"}},
		refusal{`{spec: {breaker: {slowPercent: 101}}}`, causes{"spec.breaker.slowPercent": "should be less than or equal to 100"}},
	)
}
