// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package schedules

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/traffic"
)

const (
	sliceName      = backendName + "-breakwater-ipv4"
	foreignAddress = "10.9.9.9" // which no region has
)

// deletion deletes the LLMBackend, and creates it again later.
func deletion(r *rand.Rand, w *world, at time.Duration, b *llmv1alpha1.LLMBackend) {
	policy := pick(r, metav1.DeletePropagationBackground, metav1.DeletePropagationForeground)
	w.at(at, "deleted, "+string(policy), func() {
		w.must(client.IgnoreNotFound(w.user.Delete(w.ctx, b.DeepCopy(), client.PropagationPolicy(policy))))
	})
	again := b.DeepCopy()
	if r.IntN(2) == 0 {
		again.Annotations = map[string]string{llmv1alpha1.ResetAnnotation: fmt.Sprint(r.IntN(100))}
	}
	w.at(at+between(r, 0, 20*second), "created again", func() { w.ensureBackend(again) })
}

func (w *world) ensureBackend(b *llmv1alpha1.LLMBackend) {
	w.t.Helper()
	if err := w.user.Create(w.ctx, b.DeepCopy()); !apierrors.IsAlreadyExists(err) {
		w.must(err)
	}
}

// changeIfThere changes an object as a person does, if it is there.
func changeIfThere[T client.Object](w *world, o T, name string, change func(o T)) {
	w.t.Helper()
	err := w.user.Get(w.ctx, client.ObjectKey{Namespace: namespace, Name: name}, o)
	if apierrors.IsNotFound(err) {
		return
	}
	w.must(err)
	before := o.DeepCopyObject().(client.Object)
	change(o)
	w.must(w.user.Patch(w.ctx, o, client.MergeFrom(before)))
}

func (w *world) delete(o client.Object) {
	w.t.Helper()
	w.must(client.IgnoreNotFound(w.user.Delete(w.ctx, o)))
}

func inNamespace(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

// foreign lets somebody else change what the operator has published, or publish beside it.
func foreign(r *rand.Rand, w *world, at time.Duration) {
	slice := func(what string, change func(s *discoveryv1.EndpointSlice)) {
		w.at(at, "somebody "+what, func() { changeIfThere(w, &discoveryv1.EndpointSlice{}, sliceName, change) })
	}
	switch r.IntN(6) {
	case 0:
		slice("edits the slice's endpoints", func(s *discoveryv1.EndpointSlice) {
			s.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{foreignAddress}}}
		})
	case 1:
		slice("edits the slice's label", func(s *discoveryv1.EndpointSlice) { s.Labels[discoveryv1.LabelManagedBy] = "me" })
	case 2:
		slice("removes the slice's number", func(s *discoveryv1.EndpointSlice) { s.Annotations = nil })
	case 3:
		w.at(at, "somebody deletes the slice", func() { w.delete(&discoveryv1.EndpointSlice{ObjectMeta: inNamespace(sliceName)}) })
	case 4:
		other := &discoveryv1.EndpointSlice{
			ObjectMeta: inNamespace("foreign"), AddressType: discoveryv1.AddressTypeIPv4,
			Endpoints: []discoveryv1.Endpoint{{Addresses: []string{foreignAddress}}},
		}
		other.Labels = map[string]string{discoveryv1.LabelServiceName: backendName}
		w.at(at, "somebody publishes beside it", func() { w.createIfAbsent(other) })
		w.at(at+between(r, 0, 40*second), "the foreign slice goes", func() { w.delete(other.DeepCopy()) })
	default:
		endpoints := &unstructured.Unstructured{}
		endpoints.SetAPIVersion("v1")
		endpoints.SetKind("Endpoints")
		endpoints.SetNamespace(namespace)
		endpoints.SetName(backendName)
		w.at(at, "somebody writes Endpoints", func() { w.createIfAbsent(endpoints.DeepCopy()) })
		w.at(at+between(r, 0, 40*second), "the Endpoints go", func() { w.delete(endpoints.DeepCopy()) })
	}
}

func (w *world) createIfAbsent(o client.Object) {
	w.t.Helper()
	if err := w.user.Create(w.ctx, o.DeepCopyObject().(client.Object)); !apierrors.IsAlreadyExists(err) {
		w.must(err)
	}
}

// removeUnknowable deletes the slice if nothing on it says any more that it is the operator's, as the condition that
// names it asks for.
func (w *world) removeUnknowable() {
	w.t.Helper()
	slice := &discoveryv1.EndpointSlice{}
	err := w.user.Get(w.ctx, client.ObjectKey{Namespace: namespace, Name: sliceName}, slice)
	w.must(client.IgnoreNotFound(err))
	if len(traffic.Foreign([]discoveryv1.EndpointSlice{*slice}, backendName)) > 0 {
		w.notef("the slice that nobody can know any more goes")
		w.delete(slice)
	}
}

// serviceEdit lets somebody else change or delete the Service.
func serviceEdit(r *rand.Rand, w *world, at time.Duration) {
	service := func(at time.Duration, what string, change func(s *corev1.Service)) {
		w.at(at, what, func() { changeIfThere(w, &corev1.Service{}, backendName, change) })
	}
	later := at + between(r, 0, 30*second)
	switch r.IntN(3) {
	case 0:
		w.at(at, "somebody deletes the Service", func() { w.delete(&corev1.Service{ObjectMeta: inNamespace(backendName)}) })
	case 1:
		service(at, "somebody gives the Service a selector", func(s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "x"} })
		service(later, "the selector goes", func(s *corev1.Service) { s.Spec.Selector = nil })
	default:
		service(at, "somebody edits the Service's owner and port", func(s *corev1.Service) {
			s.OwnerReferences = nil
			s.Spec.Ports[0].Name = "web"
		})
	}
}

// heal ends all turmoil: whatever was done to the world is undone, and a person who wants nothing else than
// traffic in the right place remains.
func (w *world) heal() {
	w.t.Helper()
	w.notef("all is well from now on")
	w.weather.heal()
	w.regions.heal(func(h string) []netip.Addr { return addressesOf(h[:1], 2) })
	w.delete(&discoveryv1.EndpointSlice{ObjectMeta: inNamespace("foreign")})
	w.removeUnknowable()
	w.delete(&metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Endpoints"}, ObjectMeta: inNamespace(backendName),
	})
	changeIfThere(w, &corev1.Service{}, backendName, func(s *corev1.Service) { s.Spec.Selector = nil })
	if b := w.backend(); b != nil && b.DeletionTimestamp != nil { // then it is not created again
		w.server.Collect()
	}
	w.ensureBackend(w.newest)
	w.edit(func(b *llmv1alpha1.LLMBackend) {
		b.Spec.Failover.Mode, b.Spec.Failover.MaxPerHour = llmv1alpha1.FailoverAutomatic, 0
	})
	w.annotate(map[string]string{llmv1alpha1.PausedAnnotation: ""})
	if w.operator == nil {
		w.startOperator()
	}
}
