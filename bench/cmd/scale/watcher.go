// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// watcher follows what the API server shows, as kube-proxy would follow the slices.
type watcher struct {
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	failed   error
	changed  chan struct{} // closed and replaced at each change
	backends []seen
	statuses int // versions of LLMBackends that came
}

// seen is what is shown of one LLMBackend.
type seen struct {
	region    string    // whose address its slice holds: primaryRegion, secondaryRegion or none
	at        time.Time // when that came
	confirmed string    // the region that its status says is published
	opened    time.Time // when the primary's breaker opened, by its status
}

// watch begins with what is there now.
func watch(ctx context.Context, c client.WithWatch, backends int) (*watcher, error) {
	ctx, cancel := context.WithCancel(ctx)
	w := &watcher{cancel: cancel, changed: make(chan struct{}), backends: make([]seen, backends)}
	for _, list := range []client.ObjectList{&discoveryv1.EndpointSliceList{}, &llmv1alpha1.LLMBackendList{}} {
		events, err := c.Watch(ctx, list)
		if err != nil {
			w.stop()
			return nil, fmt.Errorf("watch: %w", err)
		}
		w.running.Go(func() { w.follow(ctx, events) })
	}
	return w, nil
}

func (w *watcher) stop() {
	w.cancel()
	w.running.Wait()
}

func (w *watcher) follow(ctx context.Context, events apiwatch.Interface) {
	defer events.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case event, ok := <-events.ResultChan():
			if !ok || event.Type == apiwatch.Error {
				w.update(func() { w.failed = errors.New("a watch has ended") })
				return
			}
			w.see(event.Object.(client.Object), time.Now())
		}
	}
}

func (w *watcher) see(object client.Object, now time.Time) {
	number, ok := parseName(object.GetName())
	if !ok || int(number) >= len(w.backends) {
		return
	}
	w.update(func() {
		s := &w.backends[number]
		switch o := object.(type) {
		case *discoveryv1.EndpointSlice:
			if region := regionIn(o); region != s.region {
				s.region, s.at = region, now
			}
		case *llmv1alpha1.LLMBackend:
			s.confirmed, s.opened = confirmedRegion(o), openedAt(o)
			w.statuses++
		}
	})
}

// regionIn returns whose address the slice holds.
func regionIn(slice *discoveryv1.EndpointSlice) string {
	if len(slice.Endpoints) != 1 {
		return ""
	}
	addr, err := netip.ParseAddr(slice.Endpoints[0].Addresses[0])
	switch {
	case err != nil:
		return ""
	case primaryNetwork.Contains(addr):
		return primaryRegion
	default:
		return secondaryRegion
	}
}

func confirmedRegion(b *llmv1alpha1.LLMBackend) string {
	if b.Status.PublishedSeq == nil || *b.Status.PublishedSeq != b.Status.ActiveSeq {
		return ""
	}
	return b.Status.ActiveRegion
}

func openedAt(b *llmv1alpha1.LLMBackend) time.Time {
	for _, r := range b.Status.Regions {
		if r.Name == primaryRegion && r.Breaker.State == llmv1alpha1.BreakerOpen && r.Breaker.Since != nil {
			return r.Breaker.Since.Time
		}
	}
	return time.Time{}
}

func (w *watcher) update(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	close(w.changed)
	w.changed = make(chan struct{})
}

// awaitOne waits until one LLMBackend is as wanted.
func (w *watcher) awaitOne(ctx context.Context, b backend, wanted func(seen) bool) (seen, error) {
	for {
		w.mu.Lock()
		s, changed, failed := w.backends[b], w.changed, w.failed
		w.mu.Unlock()
		if wanted(s) {
			return s, nil
		}
		if failed != nil {
			return s, failed
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return s, fmt.Errorf("waiting for %s: %w", b.name(), ctx.Err())
		}
	}
}

// count returns how many LLMBackends are as wanted.
func (w *watcher) count(wanted func(seen) bool) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.backends {
		if wanted(s) {
			n++
		}
	}
	return n
}

// versions returns how many versions of LLMBackends have come.
func (w *watcher) versions() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.statuses
}

// awaitAll waits until every LLMBackend is as wanted, and returns what is shown then.
func (w *watcher) awaitAll(ctx context.Context, wanted func(seen) bool) ([]seen, error) {
	for b := range backend(len(w.backends)) {
		if _, err := w.awaitOne(ctx, b, wanted); err != nil {
			return nil, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]seen(nil), w.backends...), nil
}
