// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
)

// ServiceSpec says what the Service that clients call looks like, if the operator creates it.
type ServiceSpec struct {
	Name string
	// Port is what clients call, 1 to 65535.
	Port int32
	// IPFamilies are the families of the Service, at most two. Empty means single-stack of the cluster's
	// default family for a new Service, and as it is for an existing one.
	IPFamilies []corev1.IPFamily
	// Scheme is "http" or "https", and names the port of a new Service.
	Scheme string
}

// DesiredService returns the selectorless Service that the operator creates for owner. With retain it
// carries no owner reference, so that it outlives the LLMBackend.
func DesiredService(owner Owner, spec ServiceSpec, retain bool) *corev1apply.ServiceApplyConfiguration {
	service := corev1apply.Service(spec.Name, owner.Namespace).
		WithAnnotations(map[string]string{BackendAnnotation: owner.Name}).
		WithLabels(map[string]string{ServiceManagedByLabel: ServiceManagedBy}).
		WithSpec(corev1apply.ServiceSpec().
			WithPorts(corev1apply.ServicePort().
				WithName(portNameFor(spec.Scheme)).
				WithProtocol(corev1.ProtocolTCP).
				WithPort(spec.Port)))
	switch len(spec.IPFamilies) {
	case 0:
	case 1:
		service.Spec.WithIPFamilyPolicy(corev1.IPFamilyPolicySingleStack).WithIPFamilies(spec.IPFamilies...)
	default:
		service.Spec.WithIPFamilyPolicy(corev1.IPFamilyPolicyRequireDualStack).WithIPFamilies(spec.IPFamilies...)
	}
	if !retain {
		service.WithOwnerReferences(owner.reference())
	}
	return service
}

func portNameFor(scheme string) string {
	if scheme == "https" {
		return "https"
	}
	return "http"
}

// createdByOperator reports whether the operator created svc for the LLMBackend of that name, and so may
// change it. A re-created LLMBackend of the same name counts.
func createdByOperator(svc *corev1.Service, backendName string) bool {
	return svc.Labels[ServiceManagedByLabel] == ServiceManagedBy &&
		svc.Annotations[BackendAnnotation] == backendName
}

// serviceCurrent reports whether a Service that the operator created needs no write. Ports, labels and
// annotations that others added are left alone, and so is the name of the port: slices refer to it, and
// renaming it would cut the traffic until they follow.
func serviceCurrent(svc *corev1.Service, owner Owner, spec ServiceSpec, retain bool) bool {
	_, hasPort := PortName(svc, spec.Port)
	return hasPort &&
		(len(spec.IPFamilies) == 0 || slices.Equal(svc.Spec.IPFamilies, spec.IPFamilies)) &&
		ownersCurrent(svc.OwnerReferences, owner, retain)
}

// PortName returns the name of the TCP port of svc with that number, and whether there is one. The name
// is empty for a single port without a name.
func PortName(svc *corev1.Service, port int32) (string, bool) {
	i := slices.IndexFunc(svc.Spec.Ports, func(p corev1.ServicePort) bool {
		return p.Port == port && p.Protocol == corev1.ProtocolTCP
	})
	if i < 0 {
		return "", false
	}
	return svc.Spec.Ports[i].Name, true
}
