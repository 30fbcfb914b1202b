// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// With Delete, Service and slices are the LLMBackend's and go with it.
func TestDeletedWithEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	serving(w)
	w.kubectl("delete", "llmbackend", name, "-n", w.ns)
	w.eventually("Service and slices are gone", func() bool {
		services, slices := w.published()
		return services+slices == 0
	})
}

// With Retain, clients do not notice the end of the LLMBackend.
func TestRetained(t *testing.T) {
	t.Parallel()
	testRetained(t, func(w *world) { w.kubectl("delete", "llmbackend", "--all", "-n", w.ns) })
}

// Nor do they notice the end of its kind, which is guarded, or its return.
func TestRetainedWithoutCRD(t *testing.T) {
	testRetained(t, func(w *world) {
		const guard = "first annotate the CRD with llm.breakwater.dev/allow-deletion=true"
		if _, err := cluster.ControlPlane.Kubectl(t.Context(), "delete", "crd", crd); err == nil || !strings.Contains(err.Error(), guard) {
			t.Fatalf("deleting the CRD: %v; want a refusal that says %q", err, guard)
		}
		w.kubectl("annotate", "crd", crd, "llm.breakwater.dev/allow-deletion=true")
		w.kubectl("delete", "crd", crd)
		w.awaitCalls(60)
		if err := install(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func testRetained(t *testing.T, end func(*world)) {
	w := newWorld(t)
	w.region(0, 0)
	w.region(1, 0)
	b := w.backend()
	b.Spec.Service.DeletionPolicy = llmv1alpha1.DeletionRetain
	again := b.DeepCopy()
	w.create(b)
	w.call()
	w.awaitActive(primary)

	end(w)
	w.awaitCalls(60)
	if services, slices := w.published(); services != 1 || slices != 1 {
		t.Errorf("%d Services and %d slices left; want both", services, slices)
	}
	w.create(again)
	w.awaitActive(primary)
	w.awaitCalls(20)
	w.wantNoErrors()
}

// published counts the Services of the world's name and their slices.
func (w *world) published() (services, slices int) {
	w.t.Helper()
	var serviceList corev1.ServiceList
	var sliceList discoveryv1.EndpointSliceList
	if err := w.client.List(w.t.Context(), &serviceList, client.InNamespace(w.ns)); err != nil {
		w.t.Fatal(err)
	}
	if err := w.client.List(w.t.Context(), &sliceList, client.InNamespace(w.ns)); err != nil {
		w.t.Fatal(err)
	}
	return len(serviceList.Items), len(sliceList.Items)
}
