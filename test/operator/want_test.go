// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// wantSlices checks what the slices of the namespace show, in the form of w.slices.
func (w *world) wantSlices(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.slices()); diff != "" {
		w.t.Errorf("slices (-want +got):\n%s", diff)
	}
}

// awaitSlices waits until the slices of the namespace show that, in the form of w.slices.
func (w *world) awaitSlices(want ...string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	watch, err := w.client.Watch(ctx, &discoveryv1.EndpointSliceList{}, client.InNamespace(w.ns))
	if err != nil {
		w.t.Fatal(err)
	}
	defer watch.Stop()
	for range watch.ResultChan() {
		if slices.Equal(want, w.slices()) {
			return
		}
	}
	w.t.Fatalf("slices: %v, want %v within %s", w.slices(), want, patience)
}

// wantConditions checks that the conditions, in the form of "<type>=<status> <reason>", are among those of b.
func (w *world) wantConditions(b *llmv1alpha1.LLMBackend, want ...string) {
	w.t.Helper()
	have := conditions(b)
	for _, c := range want {
		if !slices.Contains(have, c) {
			w.t.Errorf("LLMBackend %s: no condition %q among %q", b.Name, c, have)
		}
	}
}

// sliceOf is the beginning of what w.slices says of the IPv4 slice that shows the decision in the status.
func sliceOf(b *llmv1alpha1.LLMBackend) string {
	return fmt.Sprintf("%s-breakwater-ipv4 seq=%d ", b.Name, b.Status.ActiveSeq)
}

// awaitCondition waits for a condition, in the form of "<type>=<status> <reason>".
func (w *world) awaitCondition(name, condition string) *llmv1alpha1.LLMBackend {
	w.t.Helper()
	return w.await(name, condition, func(b *llmv1alpha1.LLMBackend) bool {
		return slices.Contains(conditions(b), condition)
	})
}

// recordSlices begins to record the slices of the namespace. The result returns what each version since has
// shown, up to now: "<address>:<port>".
func (w *world) recordSlices() (shown func() []string) {
	w.t.Helper()
	list := &discoveryv1.EndpointSliceList{}
	if err := w.client.List(w.ctx, list, client.InNamespace(w.ns)); err != nil {
		w.t.Fatal(err)
	}
	watch, err := w.client.Watch(w.ctx, &discoveryv1.EndpointSliceList{},
		client.InNamespace(w.ns), &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(watch.Stop)
	before := w.sliceVersions()
	return func() []string {
		w.t.Helper()
		to := slices.DeleteFunc(w.sliceVersions(), func(v string) bool { return slices.Contains(before, v) })
		var shown []string
		for len(to) > 0 {
			event := <-watch.ResultChan()
			s, ok := event.Object.(*discoveryv1.EndpointSlice)
			if !ok {
				w.t.Fatalf("the watch of the slices ended: %v", event)
			}
			for _, e := range s.Endpoints {
				shown = append(shown, fmt.Sprintf("%s:%d", e.Addresses[0], *s.Ports[0].Port))
			}
			to = slices.DeleteFunc(to, func(v string) bool { return v == s.Name+" "+s.ResourceVersion })
		}
		return shown
	}
}
