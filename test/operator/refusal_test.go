// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/traffic"
)

// refusedService is a Service that cannot be published behind, named as its LLMBackend.
type refusedService struct {
	name    string
	made    func(*corev1.Service)
	mention string // in the message
	// putRight is what a person changes then; nil: deletes the Service.
	putRight func(*corev1.Service)
}

func refusedServices() []refusedService {
	return []refusedService{
		{
			name:     "selector",
			made:     func(s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "vllm"} },
			mention:  "has a selector",
			putRight: func(s *corev1.Service) { s.Spec.Selector = nil },
		},
		{
			name:    "headless",
			made:    func(s *corev1.Service) { s.Spec.ClusterIP = corev1.ClusterIPNone },
			mention: "is headless",
		},
		{
			name: "external-name",
			made: func(s *corev1.Service) {
				s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeExternalName, "vllm.example.com"
			},
			mention:  "has type ExternalName",
			putRight: func(s *corev1.Service) { s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeClusterIP, "" },
		},
		{
			name:    "local",
			made:    func(s *corev1.Service) { s.Spec.InternalTrafficPolicy = new(corev1.ServiceInternalTrafficPolicyLocal) },
			mention: "internalTrafficPolicy Local",
			putRight: func(s *corev1.Service) {
				s.Spec.InternalTrafficPolicy = new(corev1.ServiceInternalTrafficPolicyCluster)
			},
		},
		{
			name:     "not-annotated",
			made:     func(s *corev1.Service) { s.Annotations = nil },
			mention:  "annotate it with " + traffic.BackendAnnotation + "=not-annotated",
			putRight: func(s *corev1.Service) { s.Annotations = map[string]string{traffic.BackendAnnotation: "not-annotated"} },
		},
		{
			name:     "other",
			made:     func(s *corev1.Service) { s.Annotations[traffic.BackendAnnotation] = "another" },
			mention:  `annotated for LLMBackend "another"`,
			putRight: func(s *corev1.Service) { s.Annotations[traffic.BackendAnnotation] = "other" },
		},
		{
			name:    "no-port",
			made:    func(s *corev1.Service) { s.Spec.Ports[0].Port = 8080 },
			mention: "has no port 80",
			putRight: func(s *corev1.Service) {
				s.Spec.Ports = append(s.Spec.Ports, makePort("llm", 80, corev1.ProtocolTCP))
			},
		},
		{
			name:    "udp",
			made:    func(s *corev1.Service) { s.Spec.Ports[0].Protocol = corev1.ProtocolUDP },
			mention: "has protocol UDP",
			putRight: func(s *corev1.Service) {
				s.Spec.Ports = append(s.Spec.Ports, makePort("llm", 80, corev1.ProtocolTCP))
			},
		},
		{
			name:     "deleting",
			made:     func(s *corev1.Service) { s.Finalizers = []string{"example.com/wait"} },
			mention:  "is being deleted",
			putRight: func(s *corev1.Service) { s.Finalizers = nil },
		},
	}
}

// Each Service that cannot be published behind is refused with the reason, and published behind as soon as
// it is put right.
func TestServicesRefused(t *testing.T) {
	w := newWorld(t)
	region := w.region(0)
	w.start()
	for _, refused := range refusedServices() {
		w.create(makeService(refused.name, refused.made), refused.name, w.ns)
		if refused.name == "deleting" {
			w.remove(w.service(refused.name))
		}
		w.apply(makeLLMBackend(refused.name).primary("us-east", region.URL()).obj())
	}
	for _, refused := range refusedServices() {
		b := w.awaitCondition(refused.name, "Stalled=True ServiceRefused")
		w.wantConditions(b, "Published=False ServiceRefused", "Ready=False Stalled")
		message := meta.FindStatusCondition(b.Status.Conditions, llmv1alpha1.ConditionPublished).Message
		if !strings.Contains(message, refused.mention) {
			t.Errorf("%s: message %q, want one that says %q", refused.name, message, refused.mention)
		}
		if note := w.awaitEvent(refused.name, llmv1alpha1.ReasonServiceRefused).Note; note != message {
			t.Errorf("%s: event says %q, condition %q", refused.name, note, message)
		}
		if b.Status.PublishedSeq != nil {
			t.Errorf("%s: published as %d", refused.name, *b.Status.PublishedSeq)
		}
	}
	w.wantSlices()

	for _, refused := range refusedServices() {
		svc := w.service(refused.name)
		if refused.putRight == nil {
			w.remove(svc)
			continue
		}
		refused.putRight(svc)
		w.update(svc)
	}
	for _, refused := range refusedServices() {
		b := w.awaitCondition(refused.name, "Published=True Published")
		if c := meta.FindStatusCondition(b.Status.Conditions, llmv1alpha1.ConditionStalled); c != nil {
			t.Errorf("%s: still Stalled: %s", refused.name, c.Message)
		}
		if got := w.slice(refused.name + "-breakwater-ipv4").Endpoints[0].Addresses[0]; got != w.address(0) {
			t.Errorf("%s: published %s, want %s", refused.name, got, w.address(0))
		}
	}
}
