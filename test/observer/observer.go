// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package observer watches what the API server holds of a namespace, past the
// operator, and keeps every revision of it in the order in which they were
// committed.
package observer

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// Revision is one state of one object.
type Revision struct {
	// Number orders the revisions of all kinds: it is that of etcd.
	Number int64
	// Seen is when the observer got it, which is after it was committed.
	Seen    time.Time
	Deleted bool
	Object  client.Object
}

// State is the newest revision of each object, by name.
type State struct {
	Backends map[string]*llmv1alpha1.LLMBackend
	Services map[string]*corev1.Service
	Slices   map[string]*discoveryv1.EndpointSlice
}

// Observer watches the LLMBackends, Services and EndpointSlices of a namespace.
type Observer struct {
	client    client.WithWatch
	namespace string
	cancel    context.CancelFunc
	watches   sync.WaitGroup

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced with each revision
	revisions []Revision
	state     State
	failed    error
}

// Start begins to watch a namespace that is still empty. The caller stops it.
func Start(ctx context.Context, c client.WithWatch, namespace string) (*Observer, error) {
	ctx, cancel := context.WithCancel(ctx)
	o := &Observer{
		client: c, namespace: namespace, cancel: cancel, changed: make(chan struct{}),
		state: State{
			Backends: map[string]*llmv1alpha1.LLMBackend{},
			Services: map[string]*corev1.Service{},
			Slices:   map[string]*discoveryv1.EndpointSlice{},
		},
	}
	for _, list := range []client.ObjectList{
		&llmv1alpha1.LLMBackendList{}, &corev1.ServiceList{}, &discoveryv1.EndpointSliceList{},
	} {
		if err := o.watch(ctx, list); err != nil {
			o.Stop()
			return nil, err
		}
	}
	return o, nil
}

// Stop ends the watches.
func (o *Observer) Stop() {
	o.cancel()
	o.watches.Wait()
}

func (o *Observer) watch(ctx context.Context, list client.ObjectList) error {
	if err := o.client.List(ctx, list, client.InNamespace(o.namespace)); err != nil {
		return fmt.Errorf("observing %s: %w", o.namespace, err)
	}
	from := list.GetResourceVersion()
	w, err := o.resume(ctx, list, from)
	if err != nil {
		return err
	}
	o.watches.Go(func() {
		for err == nil {
			from, err = o.follow(w, from)
			if ctx.Err() != nil {
				return
			}
			if err == nil {
				w, err = o.resume(ctx, list, from)
			}
		}
		o.update(func() { o.failed = err })
	})
	return nil
}

func (o *Observer) resume(ctx context.Context, list client.ObjectList, from string) (watch.Interface, error) {
	w, err := o.client.Watch(ctx, list, client.InNamespace(o.namespace),
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: from}})
	if err != nil {
		return nil, fmt.Errorf("observing %s: %w", o.namespace, err)
	}
	return w, nil
}

// follow records what a watch brings until it ends, and returns the resource
// version to go on from.
func (o *Observer) follow(w watch.Interface, from string) (string, error) {
	defer w.Stop()
	for event := range w.ResultChan() {
		object, ok := event.Object.(client.Object)
		if !ok {
			return from, fmt.Errorf("observing %s: %w", o.namespace, apierrors.FromObject(event.Object))
		}
		number, err := strconv.ParseInt(object.GetResourceVersion(), 10, 64)
		if err != nil {
			return from, fmt.Errorf("observing %s: %w", o.namespace, err)
		}
		from = object.GetResourceVersion()
		o.record(Revision{Number: number, Seen: time.Now(), Deleted: event.Type == watch.Deleted, Object: object})
	}
	return from, nil
}

func (o *Observer) record(r Revision) {
	o.update(func() {
		o.revisions = append(o.revisions, r)
		switch object := r.Object.(type) {
		case *llmv1alpha1.LLMBackend:
			put(&o.state.Backends, object, r.Deleted)
		case *corev1.Service:
			put(&o.state.Services, object, r.Deleted)
		case *discoveryv1.EndpointSlice:
			put(&o.state.Slices, object, r.Deleted)
		}
	})
}

// put replaces the map, so that a State that was handed out stays as it was.
func put[T client.Object](objects *map[string]T, object T, deleted bool) {
	next := maps.Clone(*objects)
	if deleted {
		delete(next, object.GetName())
	} else {
		next[object.GetName()] = object
	}
	*objects = next
}

func (o *Observer) update(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
	close(o.changed)
	o.changed = make(chan struct{})
}

// Look returns the state, a channel that is closed when it changes, and an
// error if the observer had to give up.
func (o *Observer) Look() (State, <-chan struct{}, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.state, o.changed, o.failed
}

// Await waits until reached says true of the state, and returns the state.
func (o *Observer) Await(ctx context.Context, reached func(State) bool) (State, error) {
	for {
		state, changed, err := o.Look()
		if err != nil || reached(state) {
			return state, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return state, ctx.Err()
		}
	}
}

// Revisions returns all revisions so far, in the order in which they were
// committed.
func (o *Observer) Revisions() []Revision {
	o.mu.Lock()
	revisions := slices.Clone(o.revisions)
	o.mu.Unlock()
	slices.SortStableFunc(revisions, func(a, b Revision) int { return cmp.Compare(a.Number, b.Number) })
	return revisions
}
