// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"sync"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// registry holds the running backends by name. An entry is worked on by one reconcile at a time, as the
// work queue sees to.
type registry struct {
	ctx    context.Context // ends all probes
	cancel context.CancelFunc

	mu      sync.Mutex
	entries map[types.NamespacedName]*entry
}

func newRegistry() *registry {
	r := &registry{entries: map[types.NamespacedName]*entry{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r
}

func (r *registry) get(key types.NamespacedName) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.entries[key]
}

// ensure returns the entry of the LLMBackend with that name and UID, a new one if it has none yet. One of
// an earlier LLMBackend with the same name is stopped.
func (r *registry) ensure(key types.NamespacedName, uid types.UID, start func(context.Context) *backend) *entry {
	if e := r.get(key); e != nil {
		if e.uid == uid {
			return e
		}
		r.remove(key)
	}
	e := &entry{uid: uid, backend: start(r.ctx)}
	e.untrusted.Store(true)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries[key] = e
	return e
}

// published says whether a slice is just as one of the running backends published it last.
func (r *registry) published(slice *discoveryv1.EndpointSlice) bool {
	owner := metav1.GetControllerOf(slice)
	if owner == nil {
		return false
	}
	e := r.get(types.NamespacedName{Namespace: slice.Namespace, Name: owner.Name})
	return e != nil && e.publishedJust(slice)
}

// remove stops the running backend of that name, if there is one, and waits for its probes.
func (r *registry) remove(key types.NamespacedName) {
	r.mu.Lock()
	e := r.entries[key]
	delete(r.entries, key)
	r.mu.Unlock()
	if e != nil {
		e.backend.stop()
	}
}

// stop stops all running backends. None is started afterwards.
func (r *registry) stop() {
	r.cancel()
	r.mu.Lock()
	entries := r.entries
	r.entries = map[types.NamespacedName]*entry{}
	r.mu.Unlock()
	for _, e := range entries {
		e.backend.stop()
	}
}
