// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// foreignSlice is one that somebody else publishes behind Service chat.
func foreignSlice() *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Labels: map[string]string{discoveryv1.LabelServiceName: "chat"}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.77"}}},
		Ports:       []discoveryv1.EndpointPort{{Port: new(int32(80)), Protocol: new(corev1.ProtocolTCP)}},
	}
}

// foreignEndpoints is the older form of the same.
func foreignEndpoints() *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetAPIVersion("v1")
	o.SetKind("Endpoints")
	return o
}

// wantForeign waits until the LLMBackend names those who share its traffic, and them alone.
func (w *world) wantForeign(names ...string) {
	w.t.Helper()
	want := "delete " + strings.Join(names, ", ")
	b := w.await("chat", "ForeignEndpoints: "+want, func(b *llmv1alpha1.LLMBackend) bool {
		c := meta.FindStatusCondition(b.Status.Conditions, llmv1alpha1.ConditionPublished)
		return c != nil && c.Reason == llmv1alpha1.ReasonForeignEndpoints && strings.HasSuffix(c.Message, want)
	})
	w.wantConditions(b, "Published=False ForeignEndpoints", "Ready=False NotPublished")
	w.awaitEvent("chat", llmv1alpha1.ReasonForeignEndpoints)
}

// Others who publish behind the Service are named, and never deleted. The operator publishes nevertheless.
func TestForeignSlice(t *testing.T) {
	w := newWorld(t)
	w.create(foreignSlice(), "left-over", w.ns)
	east := w.region(0)
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", east.URL()).obj())
	w.wantForeign("EndpointSlice/left-over")
	w.wantSlices(chatSlice+" seq=0 "+east.Addr(), "left-over seq= 10.0.0.77:80")

	w.create(foreignSlice(), "another", w.ns)
	w.wantForeign("EndpointSlice/another", "EndpointSlice/left-over")
	w.remove(w.slice("left-over"))
	w.wantForeign("EndpointSlice/another")
	w.remove(w.slice("another"))
	b := w.awaitCondition("chat", "Published=True Published")
	w.wantConditions(b, "Ready=True Serving")
}

// Endpoints objects are not watched: that one is gone is noticed at the next look.
func TestForeignEndpointsObject(t *testing.T) {
	w := newWorld(t)
	foreign := foreignEndpoints()
	w.create(foreign, "chat", w.ns)
	w.create(foreignSlice(), "left-over", w.ns)
	east := w.region(0)
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", east.URL()).obj())
	w.wantForeign("EndpointSlice/left-over", "Endpoints/chat")

	w.remove(w.slice("left-over"))
	w.wantForeign("Endpoints/chat")
	w.wantSlices(chatSlice + " seq=0 " + east.Addr())
	w.awaitProbes(5, east) // well into the period, so that its end is near enough to be waited for
	w.remove(foreign)
	b := w.awaitCondition("chat", "Published=True Published")
	w.wantConditions(b, "Ready=True Serving")
}
