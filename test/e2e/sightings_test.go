// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"strings"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// sightings are what a watcher saw, each when it saw it.
type sightings struct {
	status, slice chan time.Time
}

// observe watches for failovers to the secondary: the status that says so, and
// the slice that sends clients there.
func (w *world) observe() sightings {
	w.t.Helper()
	seen := sightings{status: make(chan time.Time, 100), slice: make(chan time.Time, 100)}
	follow(w, &llmv1alpha1.LLMBackendList{}, seen.status, func(b *llmv1alpha1.LLMBackend) string {
		return b.Status.ActiveRegion
	}, secondary)
	address, _, _ := strings.Cut(w.addr(1, 0), ":")
	follow(w, &discoveryv1.EndpointSliceList{}, seen.slice, func(s *discoveryv1.EndpointSlice) string {
		if len(s.Endpoints) == 0 {
			return ""
		}
		return s.Endpoints[0].Addresses[0]
	}, address)
	return seen
}

// follow sends the time of each event with which a value becomes the one wanted.
func follow[T client.Object](w *world, list client.ObjectList, seen chan<- time.Time, value func(T) string, want string) {
	w.t.Helper()
	events, err := w.client.Watch(w.t.Context(), list, client.InNamespace(w.ns))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(events.Stop)
	go func() {
		last := ""
		for event := range events.ResultChan() {
			object, ok := event.Object.(T)
			if !ok || event.Type == watch.Deleted {
				continue
			}
			if now := value(object); now != last {
				if last = now; now == want {
					seen <- time.Now()
				}
			}
		}
	}()
}
