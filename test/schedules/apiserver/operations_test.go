// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"errors"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	discoveryv1apply "k8s.io/client-go/applyconfigurations/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/traffic"
)

const (
	namespace = "agreement"
	sliceName = "chat-breakwater-ipv4"
)

// operation is one thing that is done to both servers.
type operation struct {
	name string
	do   func(s *side) error
}

func operations() []operation {
	var all []operation
	for _, some := range [][]operation{backendOperations(), serviceOperations(), sliceOperations(), endOperations()} {
		all = append(all, some...)
	}
	return all
}

// whole returns an LLMBackend with every default in it.
func whole(name string) *llmv1alpha1.LLMBackend {
	return &llmv1alpha1.LLMBackend{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec: llmv1alpha1.LLMBackendSpec{
			Service: llmv1alpha1.ServiceSpec{Port: 80, DeletionPolicy: llmv1alpha1.DeletionDelete},
			Primary: llmv1alpha1.Region{Name: "a", Endpoint: llmv1alpha1.Endpoint{URL: "http://10.1.0.10:8000"}},
			Probe: llmv1alpha1.ProbeSpec{
				Type: llmv1alpha1.ProbeHTTP, HTTP: llmv1alpha1.HTTPProbe{Path: "/health"}, Mode: llmv1alpha1.ProbeActive,
				Period: "5s", SuspectPeriod: "1s", Timeout: "3s", SuccessThreshold: 1,
			},
			Breaker: llmv1alpha1.BreakerSpec{
				FailureThreshold: 5, OpenDuration: "60s", RetryAfterThreshold: "2m", SlowPercent: 50,
				FailureStatusCodes: []int32{500, 503}, Mode: llmv1alpha1.BreakerFixed,
			},
			Failover: llmv1alpha1.FailoverSpec{
				Mode: llmv1alpha1.FailoverAutomatic, MinDuration: "30s", Failback: llmv1alpha1.FailbackAutomatic,
			},
		},
	}
}

func (s *side) backend() *llmv1alpha1.LLMBackend {
	b := &llmv1alpha1.LLMBackend{}
	s.read("chat", b)
	return b
}

func (s *side) read(name string, o client.Object) {
	s.t.Helper()
	if err := s.client.Get(s.ctx, client.ObjectKey{Namespace: namespace, Name: name}, o); err != nil {
		s.t.Fatal(err)
	}
}

// patched changes an object as people and the operator do; locked fails if it was changed since it was read.
func patched[T client.Object](s *side, o T, locked bool, change func(o T)) error {
	before := o.DeepCopyObject().(client.Object)
	change(o)
	var options client.MergeFromOption = client.MergeFromWithOptimisticLock{}
	if !locked {
		return s.client.Patch(s.ctx, o, client.MergeFrom(before))
	}
	return s.client.Patch(s.ctx, o, client.MergeFromWithOptions(before, options))
}

func (s *side) status(stale bool, change func(b *llmv1alpha1.LLMBackend)) error {
	before := s.backend()
	after := before.DeepCopy()
	if stale {
		before.ResourceVersion = "1"
	}
	change(after)
	return s.client.Status().Patch(s.ctx, after, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

func backendOperations() []operation {
	return []operation{
		{"create", func(s *side) error { return s.client.Create(s.ctx, whole("chat")) }},
		{"create what is there", func(s *side) error { return s.client.Create(s.ctx, whole("chat")) }},
		{"edit the spec", func(s *side) error {
			return patched(s, s.backend(), false, func(b *llmv1alpha1.LLMBackend) { b.Spec.Breaker.FailureThreshold = 3 })
		}},
		{"annotate", func(s *side) error {
			return patched(s, s.backend(), false, func(b *llmv1alpha1.LLMBackend) {
				b.Annotations = map[string]string{llmv1alpha1.ResetAnnotation: "1"}
			})
		}},
		{"write the status", func(s *side) error {
			return s.status(false, func(b *llmv1alpha1.LLMBackend) {
				b.Status.ActiveRegion, b.Status.TransitionSeq, b.Status.ObservedGeneration = "a", 3, 2
			})
		}},
		{"write the same status", func(s *side) error { return s.status(false, func(*llmv1alpha1.LLMBackend) {}) }},
		{"write the status over another", func(s *side) error {
			return s.status(true, func(b *llmv1alpha1.LLMBackend) { b.Status.TransitionSeq = 4 })
		}},
		{"lower transitionSeq", func(s *side) error {
			return s.status(false, func(b *llmv1alpha1.LLMBackend) { b.Status.TransitionSeq = 2 })
		}},
		{"spec and annotations by way of the status", func(s *side) error {
			return s.status(false, func(b *llmv1alpha1.LLMBackend) {
				b.Spec.Breaker.FailureThreshold, b.Annotations["other"] = 9, "x"
			})
		}},
		{"status by way of the object", func(s *side) error {
			return patched(s, s.backend(), false, func(b *llmv1alpha1.LLMBackend) { b.Status.ActiveRegion = "b" })
		}},
		{"edit what is not there", func(s *side) error {
			return patched(s, whole("nobody"), false, func(b *llmv1alpha1.LLMBackend) { b.Spec.Service.Port = 81 })
		}},
		{"read Endpoints that are not there", func(s *side) error {
			o := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Endpoints"}}
			return s.client.Get(s.ctx, client.ObjectKey{Namespace: namespace, Name: "chat"}, o)
		}},
		{"list from a revision to come", func(s *side) error {
			return s.client.List(s.ctx, &llmv1alpha1.LLMBackendList{}, &client.ListOptions{
				Raw: &metav1.ListOptions{ResourceVersion: "999999999"},
			})
		}},
	}
}

func (s *side) owner() traffic.Owner {
	return traffic.Owner{
		APIVersion: llmv1alpha1.GroupVersion.String(), Kind: "LLMBackend", Name: "chat", Namespace: namespace, UID: s.backend().UID,
	}
}

func (s *side) publisher() *traffic.Publisher {
	return &traffic.Publisher{Client: s.client, Live: s.client}
}

func ensure(port int32, retain bool) func(*side) error {
	return func(s *side) error {
		_, refusal, err := s.publisher().EnsureService(s.ctx, s.owner(), traffic.ServiceSpec{Name: "chat", Port: port, Scheme: "http"}, retain)
		if refusal != nil {
			return errors.New(string(refusal.Reason))
		}
		return err
	}
}

func (s *side) service() *corev1.Service {
	svc := &corev1.Service{}
	s.read("chat", svc)
	return svc
}

func serviceOperations() []operation {
	return []operation{
		{"make the Service", ensure(80, false)},
		{"make it again", ensure(80, false)},
		{"another port", ensure(81, false)},
		{"retain it", ensure(81, true)},
		{"own it again", ensure(81, false)},
		{"a person's selector", func(s *side) error {
			return patched(s, s.service(), false, func(svc *corev1.Service) { svc.Spec.Selector = map[string]string{"app": "x"} })
		}},
		{"refused", ensure(81, false)},
		{"no selector", func(s *side) error {
			return patched(s, s.service(), false, func(svc *corev1.Service) { svc.Spec.Selector = nil })
		}},
		{"no owner", func(s *side) error {
			return patched(s, s.service(), true, func(svc *corev1.Service) { svc.OwnerReferences = nil })
		}},
		{"owned once more", ensure(81, false)},
	}
}

func publish(seq int64, retain bool, addresses ...string) func(*side) error {
	return func(s *side) error {
		d := traffic.Decision{
			Owner: s.owner(), Service: "chat", Families: []corev1.IPFamily{corev1.IPv4Protocol}, PortName: "http", Port: 8000,
			Seq: seq, Retain: retain, TakeOver: true,
		}
		for _, a := range addresses {
			d.Addresses = append(d.Addresses, netip.MustParseAddr(a))
		}
		_, err := s.publisher().Publish(s.ctx, traffic.DesiredSlices(d))
		return err
	}
}

func (s *side) slice() *discoveryv1.EndpointSlice {
	slice := &discoveryv1.EndpointSlice{}
	s.read(sliceName, slice)
	return slice
}

// applyBound applies a slice to the version that its preconditions name.
func applyBound(name string, uid types.UID, version string) func(*side) error {
	return func(s *side) error {
		config := discoveryv1apply.EndpointSlice(name, namespace).WithAddressType(discoveryv1.AddressTypeIPv4).
			WithLabels(map[string]string{"applied": "yes"})
		if uid != "" {
			config.WithUID(uid)
		}
		if version != "" {
			config.WithResourceVersion(version)
		}
		return s.client.Apply(s.ctx, config, client.FieldOwner(traffic.FieldManager), client.ForceOwnership)
	}
}

func editSlice(change func(slice *discoveryv1.EndpointSlice)) func(*side) error {
	return func(s *side) error { return patched(s, s.slice(), false, change) }
}

func sliceOperations() []operation {
	return []operation{
		{"publish", publish(1, false, "10.1.0.10")},
		{"publish the same", publish(1, false, "10.1.0.10")},
		{"publish others", publish(2, false, "10.2.0.10", "10.2.0.11")},
		{"publish one of them", publish(2, false, "10.2.0.11")},
		{"publish an older decision", publish(1, false, "10.1.0.10")},
		{"publish without owner", publish(3, true, "10.2.0.10")},
		{"publish with owner", publish(4, false, "10.2.0.10")},
		{"a person's label and endpoints", editSlice(func(o *discoveryv1.EndpointSlice) {
			o.Labels["mine"] = "yes"
			o.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{"10.9.9.9"}}}
		})},
		{"repaired", publish(4, false, "10.2.0.10")},
		{"another address type", editSlice(func(o *discoveryv1.EndpointSlice) { o.AddressType = discoveryv1.AddressTypeIPv6 })},
		{"two controllers", editSlice(func(o *discoveryv1.EndpointSlice) {
			o.OwnerReferences = append(o.OwnerReferences, metav1.OwnerReference{
				APIVersion: "v1", Kind: "Pod", Name: "x", UID: "x", Controller: new(true),
			})
		})},
		{"apply to a stale version", applyBound(sliceName, "", "1")},
		{"apply to another object", applyBound(sliceName, "00000000-0000-0000-0000-000000000000", "")},
		{"apply to another object's version", applyBound(sliceName, "00000000-0000-0000-0000-000000000000", "1")},
		{"patch another object", editSlice(func(o *discoveryv1.EndpointSlice) { o.UID = "other" })},
		{"apply to what is gone", applyBound("gone", "00000000-0000-0000-0000-000000000000", "1")},
		{"delete another object", func(s *side) error {
			return s.client.Delete(s.ctx, s.slice(), client.Preconditions{UID: new(types.UID("other"))})
		}},
		{"delete a stale version", func(s *side) error {
			return s.client.Delete(s.ctx, s.slice(), client.Preconditions{ResourceVersion: new("1")})
		}},
		{"delete", func(s *side) error {
			slice := s.slice()
			return s.client.Delete(s.ctx, slice, client.Preconditions{UID: &slice.UID, ResourceVersion: &slice.ResourceVersion})
		}},
		{"delete what is gone", func(s *side) error {
			return s.client.Delete(s.ctx, &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: sliceName}})
		}},
		{"publish once more", publish(5, false, "10.2.0.10")},
	}
}

// endOperations end with an object of each kind that is named "last".
func endOperations() []operation {
	last := metav1.ObjectMeta{Namespace: namespace, Name: "last"}
	return []operation{
		{"delete in the foreground", func(s *side) error {
			return s.client.Delete(s.ctx, s.backend(), client.PropagationPolicy(metav1.DeletePropagationForeground))
		}},
		{"delete in the foreground again", func(s *side) error {
			return s.client.Delete(s.ctx, s.backend(), client.PropagationPolicy(metav1.DeletePropagationForeground))
		}},
		{"the last LLMBackend", func(s *side) error { return s.client.Create(s.ctx, whole("last")) }},
		{"the last Service", func(s *side) error {
			return s.client.Create(s.ctx, &corev1.Service{ObjectMeta: last, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}})
		}},
		{"the last slice", func(s *side) error {
			return s.client.Create(s.ctx, &discoveryv1.EndpointSlice{
				ObjectMeta: last, AddressType: discoveryv1.AddressTypeIPv4, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.1"}}},
			})
		}},
	}
}
