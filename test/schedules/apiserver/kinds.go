// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"slices"
)

// Resources that the server knows.
const (
	LLMBackends    = "llmbackends"
	Services       = "services"
	EndpointSlices = "endpointslices"
	Endpoints      = "endpoints"
	Events         = "events"
)

// kind is what the server knows of one kind of object.
type kind struct {
	resource, apiVersion, name string
	// status: it has a status subresource, and metadata.generation counts the changes of all the rest.
	status bool
	// passing: it is taken and not kept.
	passing bool
	// generation: fields whose change metadata.generation counts.
	generation []string
	// keys of the lists that server-side apply merges.
	keys map[string][]string
	// complete fills in what the API server does. old is nil for a new object.
	complete func(s *Server, old, changed object) object
	// refuse says why a change is not allowed; old is nil for a new object.
	refuse func(old, changed object) (field, message string)
}

func kinds() []*kind {
	byUID := map[string][]string{"ownerReferences": {"uid"}}
	return []*kind{
		{resource: LLMBackends, apiVersion: "llm.breakwater.dev/v1alpha1", name: "LLMBackend", status: true, keys: byUID, complete: completeBackend, refuse: refuseBackend},
		{resource: EndpointSlices, apiVersion: "discovery.k8s.io/v1", name: "EndpointSlice", generation: []string{"endpoints", "ports"}, keys: byUID, complete: completeSlice, refuse: refuseSlice},
		{resource: Services, apiVersion: "v1", name: "Service", complete: completeService, keys: map[string][]string{
			"ownerReferences": {"uid"}, "ports": {"port", "protocol"},
		}},
		{resource: Endpoints, apiVersion: "v1", name: "Endpoints"},
		{resource: Events, apiVersion: "events.k8s.io/v1", name: "Event", passing: true},
	}
}

func completeBackend(_ *Server, old, changed object) object {
	if old == nil && changed["status"] == nil {
		return with(changed, int64(-1), "status", "observedGeneration")
	}
	return changed
}

// refuseBackend is the rule of the CustomResourceDefinition on transitionSeq.
func refuseBackend(old, changed object) (field, message string) {
	if old == nil {
		return "", ""
	}
	before, had := at[any](old, "status", "transitionSeq").(int64)
	after, has := at[any](changed, "status", "transitionSeq").(int64)
	if had && (!has || after < before) {
		return "status.transitionSeq", "status.transitionSeq never goes down and is never removed: leave status to the operator; " +
			"to start over, delete the LLMBackend and create it again"
	}
	return "", ""
}

func completeSlice(_ *Server, _, changed object) object {
	return changed
}

func refuseSlice(old, changed object) (field, message string) {
	if old != nil && !same(old["addressType"], changed["addressType"]) {
		return "addressType", "field is immutable"
	}
	return "", ""
}

// completeService allocates cluster IPs, one for each family, and applies the defaults of a Service.
func completeService(s *Server, old, changed object) object {
	spec, _ := changed["spec"].(object)
	families, _ := spec["ipFamilies"].([]any)
	if len(families) == 0 {
		families = []any{"IPv4"}
	}
	ips, _ := spec["clusterIPs"].([]any)
	if spec["type"] == "ExternalName" || slices.Contains(ips, any("None")) || spec["clusterIP"] == "None" {
		return changed
	}
	policy := "SingleStack"
	if len(families) > 1 {
		policy = "RequireDualStack"
	}
	var given []any
	for i, family := range families {
		if i < len(ips) {
			given = append(given, ips[i])
			continue
		}
		s.clusterIPs++
		if family == "IPv6" {
			given = append(given, fmt.Sprintf("fd96::%x", s.clusterIPs))
		} else {
			given = append(given, fmt.Sprintf("10.96.%d.%d", s.clusterIPs/250, 1+s.clusterIPs%250))
		}
	}
	var ports []any
	for _, p := range at[[]any](changed, "spec", "ports") {
		port := p.(object)
		if port["protocol"] == nil {
			port = with(port, "TCP", "protocol")
		}
		if target := port["targetPort"]; target == nil || target == int64(0) {
			port = with(port, port["port"], "targetPort")
		}
		ports = append(ports, port)
	}
	full := merged(object{"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster"}, spec)
	full = merged(full, object{
		"ipFamilies": families, "ipFamilyPolicy": policy, "clusterIPs": given, "clusterIP": given[0], "ports": ports,
	})
	changed = with(changed, full, "spec")
	if changed["status"] == nil && old == nil {
		changed = with(changed, object{"loadBalancer": object{}}, "status")
	}
	return changed
}

// refuseOwners is what holds for the owner references of every object.
func refuseOwners(changed object) (field, message string) {
	controllers := 0
	for _, owner := range owners(changed) {
		if owner.(object)["controller"] == true {
			controllers++
		}
	}
	if controllers > 1 {
		return "metadata.ownerReferences", "Only one reference can have Controller set to true"
	}
	return "", ""
}
