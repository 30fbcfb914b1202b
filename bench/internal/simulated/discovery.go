// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulated

import "strings"

// discovery is what clients read to find out which kinds there are, by path.
var discovery = map[string]string{
	"/api": `{"kind":"APIVersions","versions":["v1"]}`,
	"/apis": `{"kind":"APIGroupList","apiVersion":"v1","groups":[` +
		group("discovery.k8s.io", "v1") + `,` + group("events.k8s.io", "v1") + `,` + group("llm.breakwater.dev", "v1alpha1") + `]}`,
	"/api/v1": resources("v1",
		resource("services", "service", "Service"), resource("endpoints", "endpoints", "Endpoints")),
	"/apis/discovery.k8s.io/v1": resources("discovery.k8s.io/v1", resource("endpointslices", "endpointslice", "EndpointSlice")),
	"/apis/events.k8s.io/v1":    resources("events.k8s.io/v1", resource("events", "event", "Event")),
	"/apis/llm.breakwater.dev/v1alpha1": resources("llm.breakwater.dev/v1alpha1",
		resource("llmbackends", "llmbackend", "LLMBackend"), resource("llmbackends/status", "", "LLMBackend")),
}

func group(name, version string) string {
	v := `{"groupVersion":"` + name + `/` + version + `","version":"` + version + `"}`
	return `{"name":"` + name + `","versions":[` + v + `],"preferredVersion":` + v + `}`
}

func resources(groupVersion string, each ...string) string {
	return `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"` + groupVersion + `","resources":[` + strings.Join(each, ",") + `]}`
}

func resource(name, singular, kind string) string {
	return `{"name":"` + name + `","singularName":"` + singular + `","namespaced":true,"kind":"` + kind +
		`","verbs":["create","delete","get","list","patch","update","watch"]}`
}
