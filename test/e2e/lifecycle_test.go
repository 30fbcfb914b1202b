// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// With Delete, Service and slices are the LLMBackend's and go with it.
func TestDeletedWithEverything(t *testing.T) {
	w := newWorld(t)
	serving(w)
	w.kubectl("delete", "llmbackend", name, "-n", w.ns)
	w.eventually("Service and slices are gone", func() bool {
		services, slices := w.published()
		return services+slices == 0
	})
}

// With Retain, clients notice neither the end of the LLMBackend, nor that of its
// kind, nor their return.
func TestRetained(t *testing.T) {
	for _, c := range []struct {
		name  string
		end   []string
		again bool // the kind has to be installed again
	}{
		{"delete llmbackend", []string{"delete", "llmbackend", "--all", "-n"}, false},
		{"delete crd", []string{"delete", "crd", "llmbackends.llm.breakwater.dev", "-n"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.region(0, 0)
			w.region(1, 0)
			b := w.backend()
			b.Spec.Service.DeletionPolicy = llmv1alpha1.DeletionRetain
			w.create(b)
			w.call()
			w.awaitActive(primary)

			w.kubectl(append(c.end, w.ns)...)
			if c.again {
				w.kubectl("apply", "--server-side", "-f", filepath.Join(root, "config", "crd", "bases"))
				w.kubectl("wait", "--for=condition=Established", "crd/llmbackends.llm.breakwater.dev")
			}
			w.awaitCalls(60)
			if services, slices := w.published(); services != 1 || slices != 1 {
				t.Errorf("%d Services and %d slices left; want both", services, slices)
			}
			w.create(func() *llmv1alpha1.LLMBackend {
				again := w.backend()
				again.Spec.Service.DeletionPolicy = llmv1alpha1.DeletionRetain
				return again
			}())
			w.awaitActive(primary)
			w.awaitCalls(20)
			w.wantNoErrors()
		})
	}
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
