// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func usableService() *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   "apps",
			Name:        "llm",
			Annotations: map[string]string{BackendAnnotation: "chat"},
		},
		Spec: corev1.ServiceSpec{
			Type:      corev1.ServiceTypeClusterIP,
			ClusterIP: "10.96.0.7",
			Ports: []corev1.ServicePort{
				{Name: "dns", Port: 80, Protocol: corev1.ProtocolUDP},
				{Name: "web", Port: 80, Protocol: corev1.ProtocolTCP},
				{Name: "quic", Port: 443, Protocol: corev1.ProtocolUDP},
			},
		},
	}
}

func TestCheckService(t *testing.T) {
	local, cluster := corev1.ServiceInternalTrafficPolicyLocal, corev1.ServiceInternalTrafficPolicyCluster
	tests := map[string]struct {
		edit func(*corev1.Service)
		port int32
		want *Refusal
	}{
		"usable": {},
		"usable, internalTrafficPolicy Cluster": {
			edit: func(s *corev1.Service) { s.Spec.InternalTrafficPolicy = &cluster },
		},
		"usable, also from outside": {
			edit: func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeLoadBalancer },
		},
		"the API server": {
			edit: func(s *corev1.Service) { s.Namespace, s.Name = "default", "kubernetes" },
			want: &Refusal{RefusedReserved, "Service default/kubernetes is the API server: " +
				"re-create the LLMBackend with another spec.service.name"},
		},
		"being deleted": {
			edit: func(s *corev1.Service) { s.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)} },
			want: &Refusal{RefusedDeleting, `Service "llm" is being deleted: it is created anew once it is gone; ` +
				"if it stays, see which of its finalizers is waiting"},
		},
		"not annotated": {
			edit: func(s *corev1.Service) { s.Annotations = nil },
			want: &Refusal{RefusedNotAnnotated, `Service "llm" exists and is not annotated for this LLMBackend: ` +
				"annotate it with llm.breakwater.dev/backend=chat to let the operator publish behind it, " +
				"or delete it and the operator creates it"},
		},
		"annotated for another": {
			edit: func(s *corev1.Service) { s.Annotations[BackendAnnotation] = "other" },
			want: &Refusal{RefusedOtherBackend, `Service "llm" is annotated for LLMBackend "other": ` +
				"set the annotation llm.breakwater.dev/backend=chat if it is to serve this one, " +
				"or re-create this LLMBackend with another spec.service.name"},
		},
		"ExternalName": {
			edit: func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeExternalName },
			want: &Refusal{RefusedExternalName, `Service "llm" has type ExternalName, which has no endpoints: ` +
				"use a Service of type ClusterIP without selector"},
		},
		"headless": {
			edit: func(s *corev1.Service) { s.Spec.ClusterIP = corev1.ClusterIPNone },
			want: &Refusal{RefusedHeadless, `Service "llm" is headless (clusterIP: None), so clients would keep the ` +
				"addresses that they resolved: use a Service with a cluster IP"},
		},
		"selector": {
			edit: func(s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "vllm"} },
			want: &Refusal{RefusedSelector, `Service "llm" has a selector, so its Pods would share the traffic: ` +
				"remove spec.selector and the EndpointSlices it left behind; Pods can be a region by " +
				"endpoint.serviceRef to another Service"},
		},
		"internalTrafficPolicy Local": {
			edit: func(s *corev1.Service) { s.Spec.InternalTrafficPolicy = &local },
			want: &Refusal{RefusedInternalTrafficPolicy, `Service "llm" has internalTrafficPolicy Local, which drops ` +
				"traffic to addresses outside the node: set spec.internalTrafficPolicy to Cluster"},
		},
		"no such port": {
			port: 81,
			want: &Refusal{RefusedPort, `Service "llm" has no port 81: add it (protocol TCP), ` +
				"or set spec.service.port to a TCP port of the Service"},
		},
		"port without TCP": {
			port: 443,
			want: &Refusal{RefusedPort, `port 443 of Service "llm" has protocol UDP: add a TCP port 443, ` +
				"or set spec.service.port to a TCP port of the Service"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			svc := usableService()
			if test.edit != nil {
				test.edit(svc)
			}
			port := test.port
			if port == 0 {
				port = 80
			}
			if diff := cmp.Diff(test.want, CheckService(svc, "chat", port)); diff != "" {
				t.Errorf("refusal (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPortName(t *testing.T) {
	svc := usableService()
	if name, ok := PortName(svc, 80); name != "web" || !ok {
		t.Errorf("port 80: %q, %v, want the TCP one, web", name, ok)
	}
	if name, ok := PortName(svc, 443); ok {
		t.Errorf("port 443 is UDP only, got %q", name)
	}
	svc.Spec.Ports = []corev1.ServicePort{{Port: 80, Protocol: corev1.ProtocolTCP}}
	if name, ok := PortName(svc, 80); name != "" || !ok {
		t.Errorf("unnamed port: %q, %v, want \"\", true", name, ok)
	}
}
