// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/breakwater-dev/breakwater/internal/traffic"
)

func TestServiceRefused(t *testing.T) {
	annotated := map[string]string{traffic.BackendAnnotation: "chat"}
	ports := []corev1.ServicePort{{Port: 80}}
	tests := map[traffic.RefusalReason]*corev1.Service{
		traffic.RefusedNotAnnotated: {Spec: corev1.ServiceSpec{Ports: ports}},
		traffic.RefusedOtherBackend: {
			ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{traffic.BackendAnnotation: "other"}},
			Spec:       corev1.ServiceSpec{Ports: ports},
		},
		traffic.RefusedExternalName: {
			ObjectMeta: metav1.ObjectMeta{Annotations: annotated},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "llm.example.com", Ports: ports},
		},
		traffic.RefusedHeadless: {
			ObjectMeta: metav1.ObjectMeta{Annotations: annotated},
			Spec:       corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone, Ports: ports},
		},
		traffic.RefusedSelector: {
			ObjectMeta: metav1.ObjectMeta{Annotations: annotated},
			Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "vllm"}, Ports: ports},
		},
		traffic.RefusedInternalTrafficPolicy: {
			ObjectMeta: metav1.ObjectMeta{Annotations: annotated},
			Spec:       corev1.ServiceSpec{InternalTrafficPolicy: new(corev1.ServiceInternalTrafficPolicyLocal), Ports: ports},
		},
		traffic.RefusedPort: {
			ObjectMeta: metav1.ObjectMeta{Annotations: annotated},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80, Protocol: corev1.ProtocolUDP}}},
		},
		traffic.RefusedDeleting: {
			ObjectMeta: metav1.ObjectMeta{Annotations: annotated, Finalizers: []string{"example.com/wait"}},
			Spec:       corev1.ServiceSpec{Ports: ports},
		},
	}
	for reason, svc := range tests {
		t.Run(string(reason), func(t *testing.T) {
			w := newWorld(t)
			op := w.newOperator()
			svc.Namespace, svc.Name = w.namespace, "llm"
			w.must(w.client.Create(t.Context(), svc))
			if reason == traffic.RefusedDeleting {
				w.must(w.client.Delete(t.Context(), svc))
			}
			wantRefused(t, w, op, reason)
		})
	}

	t.Run("operator's own, given a selector", func(t *testing.T) {
		w := newWorld(t)
		op := w.newOperator()
		svc := op.ensure(w, "uid-1", spec(80), false)
		op.client.takeWrites()
		svc.Spec.Selector = map[string]string{"app": "vllm"}
		svc.OwnerReferences = nil
		w.asSomebody(svc)
		wantRefused(t, w, op, traffic.RefusedSelector)
	})
	t.Run(string(traffic.RefusedReserved), func(t *testing.T) {
		w := newWorld(t)
		op := w.newOperator()
		owner := w.owner("uid-1")
		owner.Namespace = "default"
		s := traffic.ServiceSpec{Name: "kubernetes", Port: 443, Scheme: "https"}
		_, refusal, err := op.EnsureService(t.Context(), owner, s, false)
		if err != nil || refusal == nil || refusal.Reason != traffic.RefusedReserved {
			t.Errorf("refusal %+v, error %v", refusal, err)
		}
		op.wantWrites(t, 0)
	})
}

func wantRefused(t *testing.T, w *world, op *operator, reason traffic.RefusalReason) {
	t.Helper()
	before := asJSON(t, w.service())
	got, refusal, err := op.EnsureService(t.Context(), w.owner("uid-1"), spec(80), false)
	if err != nil || got != nil || refusal == nil || refusal.Reason != reason {
		t.Errorf("got Service %v, refusal %+v, error %v, want %s", got, refusal, err, reason)
	}
	if diff := cmp.Diff(before, asJSON(t, w.service())); diff != "" {
		t.Errorf("the refused Service was changed:\n%s", diff)
	}
	op.wantWrites(t, 0)
}
