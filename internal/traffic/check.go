// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// RefusalReason says in one word why a Service cannot be published behind.
type RefusalReason string

// The reasons why CheckService refuses a Service.
const (
	// RefusedReserved: the Service is default/kubernetes, the address of the API server.
	RefusedReserved RefusalReason = "Reserved"
	// RefusedDeleting: the Service is being deleted.
	RefusedDeleting RefusalReason = "Deleting"
	// RefusedNotAnnotated: nobody has said that an LLMBackend may publish behind the Service.
	RefusedNotAnnotated RefusalReason = "NotAnnotated"
	// RefusedOtherBackend: the Service is annotated for another LLMBackend.
	RefusedOtherBackend RefusalReason = "OtherBackend"
	// RefusedExternalName: the Service is a DNS alias and has no endpoints.
	RefusedExternalName RefusalReason = "ExternalName"
	// RefusedHeadless: the Service has no cluster IP, so clients would keep the addresses they resolved.
	RefusedHeadless RefusalReason = "Headless"
	// RefusedSelector: Kubernetes publishes the Pods that the selector finds, beside our addresses.
	RefusedSelector RefusalReason = "Selector"
	// RefusedInternalTrafficPolicy: with Local, addresses without a node get no traffic.
	RefusedInternalTrafficPolicy RefusalReason = "InternalTrafficPolicyLocal"
	// RefusedPort: the Service has no such TCP port.
	RefusedPort RefusalReason = "Port"
)

// Refusal says why a Service is not used, and what to do about it. The message is deterministic.
type Refusal struct {
	Reason  RefusalReason
	Message string
}

// CheckService returns nil if the LLMBackend of that name may publish behind svc on that port, and
// otherwise the first reason against it.
func CheckService(svc *corev1.Service, backendName string, port int32) *Refusal {
	if refusal := checkUsable(svc, backendName); refusal != nil {
		return refusal
	}
	return checkPort(svc, port)
}

// checkUsable is CheckService without the port, the one thing that the operator puts right in a Service
// that it created.
func checkUsable(svc *corev1.Service, backendName string) *Refusal {
	backend, annotated := svc.Annotations[BackendAnnotation]
	switch {
	case svc.Namespace == "default" && svc.Name == "kubernetes":
		return refuse(RefusedReserved, "Service default/kubernetes is the API server: "+
			"re-create the LLMBackend with another spec.service.name")
	case svc.DeletionTimestamp != nil:
		return refuse(RefusedDeleting, "Service %q is being deleted: it is created anew once it is gone; "+
			"if it stays, see which of its finalizers is waiting", svc.Name)
	case !annotated:
		return refuse(RefusedNotAnnotated, "Service %q exists and is not annotated for this LLMBackend: "+
			"annotate it with %s=%s to let the operator publish behind it, "+
			"or delete it and the operator creates it", svc.Name, BackendAnnotation, backendName)
	case backend != backendName:
		return refuse(RefusedOtherBackend, "Service %q is annotated for LLMBackend %.253q: "+
			"set the annotation %s=%s if it is to serve this one, "+
			"or re-create this LLMBackend with another spec.service.name",
			svc.Name, backend, BackendAnnotation, backendName)
	case svc.Spec.Type == corev1.ServiceTypeExternalName:
		return refuse(RefusedExternalName, "Service %q has type ExternalName, which has no endpoints: "+
			"use a Service of type ClusterIP without selector", svc.Name)
	case svc.Spec.ClusterIP == corev1.ClusterIPNone:
		return refuse(RefusedHeadless, "Service %q is headless (clusterIP: None), so clients would keep the "+
			"addresses that they resolved: use a Service with a cluster IP", svc.Name)
	case len(svc.Spec.Selector) > 0:
		return refuse(RefusedSelector, "Service %q has a selector, so its Pods would share the traffic: "+
			"remove spec.selector and the EndpointSlices it left behind; Pods can be a region by "+
			"endpoint.serviceRef to another Service", svc.Name)
	case svc.Spec.InternalTrafficPolicy != nil && *svc.Spec.InternalTrafficPolicy == corev1.ServiceInternalTrafficPolicyLocal:
		return refuse(RefusedInternalTrafficPolicy, "Service %q has internalTrafficPolicy Local, which drops "+
			"traffic to addresses outside the node: set spec.internalTrafficPolicy to Cluster", svc.Name)
	}
	return nil
}

func checkPort(svc *corev1.Service, port int32) *Refusal {
	if _, ok := PortName(svc, port); ok {
		return nil
	}
	for _, p := range svc.Spec.Ports {
		if p.Port == port {
			return refuse(RefusedPort, "port %d of Service %q has protocol %s: add a TCP port %d, "+
				"or set spec.service.port to a TCP port of the Service", port, svc.Name, p.Protocol, port)
		}
	}
	return refuse(RefusedPort, "Service %q has no port %d: add it (protocol TCP), "+
		"or set spec.service.port to a TCP port of the Service", svc.Name, port)
}

func refuse(reason RefusalReason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Message: fmt.Sprintf(format, args...)}
}
