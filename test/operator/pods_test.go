// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// podController is who writes the slices of Services with a selector. The tests do it in its place.
const podController = "endpointslice-controller.k8s.io"

func ofPods(s *discoveryv1.EndpointSlice) bool {
	return s.Labels[discoveryv1.LabelManagedBy] == podController
}

// pods are the endpoints of a Service.
type pods struct {
	w               *world
	namespace, name string
}

// pods makes a Service with a selector whose port 80 is named http.
func (w *world) pods(name string, edits ...func(*corev1.Service)) *pods {
	w.t.Helper()
	return w.podsIn(w.ns, name, edits...)
}

func (w *world) podsIn(namespace, name string, edits ...func(*corev1.Service)) *pods {
	w.t.Helper()
	svc := &corev1.Service{Spec: corev1.ServiceSpec{
		Selector: map[string]string{"app": name},
		Ports:    []corev1.ServicePort{makePort("http", 80, corev1.ProtocolTCP)},
	}}
	for _, e := range edits {
		e(svc)
	}
	w.create(svc, name, namespace)
	return &pods{w: w, namespace: namespace, name: name}
}

// ref refers to the Service's port by its number.
func (p *pods) ref() llmv1alpha1.ServiceReference {
	return llmv1alpha1.ServiceReference{Name: p.name, Port: intstr.FromInt32(80)}
}

// show has a slice of the Service hold these endpoints, which listen on port.
func (p *pods) show(slice string, port int32, endpoints ...discoveryv1.Endpoint) {
	p.w.t.Helper()
	s := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name: p.name + "-" + slice, Namespace: p.namespace,
			Labels: map[string]string{discoveryv1.LabelServiceName: p.name, discoveryv1.LabelManagedBy: podController},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   endpoints,
		Ports:       []discoveryv1.EndpointPort{{Name: new("http"), Protocol: new(corev1.ProtocolTCP), Port: &port}},
	}
	if len(endpoints) > 0 && netip.MustParseAddr(endpoints[0].Addresses[0]).Is6() {
		s.AddressType = discoveryv1.AddressTypeIPv6
	}
	err := p.w.client.Create(p.w.ctx, s.DeepCopy())
	if apierrors.IsAlreadyExists(err) {
		var before discoveryv1.EndpointSlice
		if err := p.w.client.Get(p.w.ctx, client.ObjectKeyFromObject(s), &before); err != nil {
			p.w.t.Fatal(err)
		}
		s.ResourceVersion = before.ResourceVersion
		err = p.w.client.Update(p.w.ctx, s)
	}
	if err != nil {
		p.w.t.Fatal(err)
	}
}

func ready(address string) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: new(true)}}
}

func unready(address string) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{Ready: new(false)}}
}

// ending is a Pod that is being deleted and still serves, of a Service that publishes addresses that are not ready.
func ending(address string) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{Addresses: []string{address}, Conditions: discoveryv1.EndpointConditions{
		Ready: new(true), Serving: new(true), Terminating: new(true),
	}}
}

// unknown is an endpoint of which nobody says whether it is ready.
func unknown(address string) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{Addresses: []string{address}}
}
