// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/traffic"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// makeService returns a Service that the LLMBackend of that name may use, with edits.
func makeService(name string, edits ...func(*corev1.Service)) *corev1.Service {
	svc := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{traffic.BackendAnnotation: name}},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{makePort("http", 80, corev1.ProtocolTCP)}},
	}
	for _, e := range edits {
		e(svc)
	}
	return svc
}

func makePort(name string, port int32, protocol corev1.Protocol) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Port: port, Protocol: protocol, TargetPort: intstr.FromInt32(port)}
}

func (w *world) service(name string) *corev1.Service {
	w.t.Helper()
	svc := &corev1.Service{}
	if err := w.client.Get(w.ctx, client.ObjectKey{Namespace: w.ns, Name: name}, svc); err != nil {
		w.t.Fatal(err)
	}
	return svc
}

func (w *world) slice(name string) *discoveryv1.EndpointSlice {
	w.t.Helper()
	slice := &discoveryv1.EndpointSlice{}
	if err := w.client.Get(w.ctx, client.ObjectKey{Namespace: w.ns, Name: name}, slice); err != nil {
		w.t.Fatal(err)
	}
	return slice
}

// update and remove are what a person does.
func (w *world) update(o client.Object) {
	w.t.Helper()
	if err := w.client.Update(w.ctx, o); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) remove(o client.Object) {
	w.t.Helper()
	if err := w.client.Delete(w.ctx, o); err != nil {
		w.t.Fatal(err)
	}
}

// An existing Service that says it is for the LLMBackend is used as it is, whatever else it has.
func TestExistingServiceIsUsedAndLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.create(makeService("chat", func(s *corev1.Service) {
		s.Labels = map[string]string{"team": "ml"}
		s.Annotations["example.com/note"] = "ours"
		s.Spec.Ports = []corev1.ServicePort{makePort("metrics", 9090, corev1.ProtocolTCP), makePort("llm", 80, corev1.ProtocolTCP)}
	}), "chat", w.ns)
	before := w.service("chat")

	east, west := w.serve(minDuration("1h"))
	w.wantSlices(chatSlice + " seq=0 " + east.Addr())
	w.set(east, lab.Status(503))
	w.awaitActive("chat", "eu-west")
	w.wantSlices(chatSlice + " seq=2 " + west.Addr())
	w.change("chat", func(b *llmv1alpha1.LLMBackend) { b.Spec.Service.DeletionPolicy = llmv1alpha1.DeletionRetain })
	w.await("chat", "published without owner", func(*llmv1alpha1.LLMBackend) bool {
		return len(w.slice("chat-breakwater-ipv4").OwnerReferences) == 0
	})

	if diff := cmp.Diff(before, w.service("chat")); diff != "" {
		t.Errorf("the Service was changed (-before +after):\n%s", diff)
	}
	if name := *w.slice("chat-breakwater-ipv4").Ports[0].Name; name != "llm" {
		t.Errorf("port %q in the slice, want the name that the Service gives it, llm", name)
	}
}

// The Service of the API server itself is out of bounds, though an LLMBackend can have its name.
func TestServiceOfTheAPIServerIsRefused(t *testing.T) {
	w := newWorld(t)
	w.ns = metav1.NamespaceDefault
	before, versions := w.service("kubernetes"), w.sliceVersions()
	w.start()
	b := w.apply(makeLLMBackend("kubernetes").primary("us-east", w.region(0).URL()).obj())
	defer w.remove(b)

	b = w.awaitCondition("kubernetes", "Stalled=True ServiceRefused")
	w.wantConditions(b, "Published=False ServiceRefused", "Ready=False Stalled")
	if note := w.awaitEvent("kubernetes", llmv1alpha1.ReasonServiceRefused).Note; !strings.Contains(note, "default/kubernetes is the API server") {
		t.Errorf("event says %q", note)
	}
	if diff := cmp.Diff(before, w.service("kubernetes")); diff != "" {
		t.Errorf("the Service was changed (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(versions, w.sliceVersions()); diff != "" {
		t.Errorf("slices were written (-before +after):\n%s", diff)
	}
}
