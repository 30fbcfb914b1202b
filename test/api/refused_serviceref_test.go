// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"strings"
)

func serviceRefRefusals() []refusal {
	const (
		exactlyOne = "an endpoint must have exactly one of url and serviceRef: write url: http://10.1.0.10:8000 for a server outside the cluster, or serviceRef: {name: vllm, port: 8000} for a Service in it"
		name       = "serviceRef.name must be the name of a Service, without its namespace: lower-case letters, digits and - between them, such as vllm"
		namespace  = "serviceRef.namespace must be the name of a namespace: lower-case letters, digits and - between them, such as models"
		port       = "serviceRef.port must be a port of the Service: its number from 1 to 65535 without quotes, such as 8000, or its name, such as http"
		own        = "serviceRef must not name the Service that this LLMBackend publishes: name the Service that finds the Pods, or set another spec.service.name"
		scheme     = "all regions must have the scheme of the primary region, because a Service does not change what clients send: write http:// in every endpoint url and HTTP in every serviceRef.scheme, or https:// and HTTPS in every one"
	)
	long := strings.Repeat("a", 64)
	primary := func(ref string) string {
		return fmt.Sprintf(`{spec: {primary: {endpoint: {url: null, serviceRef: %s}}}}`, ref)
	}
	secondary := func(ref string) string {
		return fmt.Sprintf(`{spec: {secondaries: [{name: local, endpoint: {serviceRef: %s}}]}}`, ref)
	}
	return []refusal{
		{`{spec: {primary: {endpoint: {url: null}}}}`, causes{"spec.primary.endpoint": exactlyOne}},
		{`{spec: {primary: {endpoint: {serviceRef: {name: vllm, port: 8000}}}}}`, causes{"spec.primary.endpoint": exactlyOne}},
		{`{spec: {secondaries: [{name: local, endpoint: {}}]}}`, causes{"spec.secondaries[0].endpoint": exactlyOne}},

		{primary(`{port: 8000}`), causes{"spec.primary.endpoint.serviceRef.name": "Required value"}},
		{primary(`{name: VLLM, port: 8000}`), causes{"spec.primary.endpoint.serviceRef.name": name}},
		{primary(`{name: vllm.models, port: 8000}`), causes{"spec.primary.endpoint.serviceRef.name": name}},
		{primary(`{name: models/vllm, port: 8000}`), causes{"spec.primary.endpoint.serviceRef.name": name}},
		{primary(`{name: ` + long + `, port: 8000}`), causes{"spec.primary.endpoint.serviceRef.name": "may not be more than 63 bytes"}},
		{secondary(`{name: vllm-, port: 8000}`), causes{"spec.secondaries[0].endpoint.serviceRef.name": name}},

		{primary(`{name: vllm, namespace: My_Models, port: 8000}`), causes{"spec.primary.endpoint.serviceRef.namespace": namespace}},
		{primary(`{name: vllm, namespace: ` + long + `, port: 8000}`), causes{"spec.primary.endpoint.serviceRef.namespace": "may not be more than 63 bytes"}},

		{primary(`{name: vllm}`), causes{"spec.primary.endpoint.serviceRef.port": "Required value"}},
		{primary(`{name: vllm, port: 0}`), causes{"spec.primary.endpoint.serviceRef.port": port}},
		{primary(`{name: vllm, port: 65536}`), causes{"spec.primary.endpoint.serviceRef.port": port}},
		{primary(`{name: vllm, port: -1}`), causes{"spec.primary.endpoint.serviceRef.port": port}},
		{primary(`{name: vllm, port: "8000"}`), causes{"spec.primary.endpoint.serviceRef.port": port}},
		{primary(`{name: vllm, port: ""}`), causes{"spec.primary.endpoint.serviceRef.port": port}},
		{primary(`{name: vllm, port: HTTP}`), causes{"spec.primary.endpoint.serviceRef.port": port}},
		{primary(`{name: vllm, port: ` + long + `}`), causes{"spec.primary.endpoint.serviceRef.port": port}},
		{secondary(`{name: vllm, port: "80"}`), causes{"spec.secondaries[0].endpoint.serviceRef.port": port}},
		{primary(`{name: vllm, port: 8000, scheme: http}`),
			causes{"spec.primary.endpoint.serviceRef.scheme": `supported values: "HTTP", "HTTPS"`}},

		{primary(`{name: chat, port: 8000}`), causes{"spec.primary.endpoint.serviceRef.name": own}},
		{secondary(`{name: chat, port: 8000}`), causes{"spec.secondaries": own}},
		{`{spec: {service: {name: models}, primary: {endpoint: {url: null, serviceRef: {name: models, port: 80}}}}}`,
			causes{"spec.primary.endpoint.serviceRef.name": own}},

		{primary(`{name: vllm, port: 8000, scheme: HTTPS}`), causes{"spec.secondaries": scheme}},
		{secondary(`{name: vllm, port: 8000, scheme: HTTPS}`), causes{"spec.secondaries": scheme}},
		{`{spec: {primary: {endpoint: {url: "https://10.1.0.10"}}, secondaries: [{name: local, endpoint: {serviceRef: {name: vllm, port: 8000}}}]}}`,
			causes{"spec.secondaries": scheme}},
		{`{spec: {primary: {endpoint: {url: null, serviceRef: {name: vllm, port: 1}}},
			secondaries: [{name: local, endpoint: {serviceRef: {name: vllm, port: 2, scheme: HTTPS}}}]}}`, causes{"spec.secondaries": scheme}},
	}
}
