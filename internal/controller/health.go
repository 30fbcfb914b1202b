// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// stuckAfter is how late a reconcile or a probe has to be to count as stuck. It is more than requests to an API
// server that has vanished take to fail: a restart would not help against that.
const stuckAfter = 2 * time.Minute

// syncPatience bounds one look whether the caches are synced.
const syncPatience = 500 * time.Millisecond

// heartbeat is the request that shows that the work queue moves. No LLMBackend has this name.
var heartbeat = ctrl.Request{}

// addHealthChecks makes /healthz say whether queue and probes still move, and /readyz whether this operator could
// take over at once.
func (r *Reconciler) addHealthChecks(mgr ctrl.Manager) error {
	return errors.Join(
		mgr.AddHealthzCheck("queue", func(*http.Request) error { return r.pulse.check(time.Now()) }),
		mgr.AddHealthzCheck("probes", func(*http.Request) error { return r.backends.checkProbes() }),
		mgr.AddReadyzCheck("caches", func(request *http.Request) error { return checkCaches(request.Context(), mgr.GetCache()) }),
	)
}

func checkCaches(ctx context.Context, caches cache.Cache) error {
	ctx, cancel := context.WithTimeout(ctx, syncPatience)
	defer cancel()
	if !caches.WaitForCacheSync(ctx) {
		return errors.New("the caches are not synced with the API server")
	}
	return nil
}

// pulse sends heartbeats through the work queue: one with each check, and none while the last is under way.
type pulse struct {
	mu    sync.Mutex
	ask   func(client.ObjectKey) // nil until the queue is there: only the leader has one
	asked time.Time              // when the heartbeat under way was sent; zero if there is none
}

func (p *pulse) start(ask func(client.ObjectKey)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ask = ask
}

// answer notes that the heartbeat has come through the queue.
func (p *pulse) answer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = time.Time{}
}

func (p *pulse) check(now time.Time) error {
	ask, late := p.next(now)
	if ask != nil {
		ask(heartbeat.NamespacedName)
	}
	if late >= stuckAfter {
		return fmt.Errorf("no reconcile has been begun for %s", late.Truncate(time.Second))
	}
	return nil
}

// next returns how to send the next heartbeat, if it is time for one, and the age of the one under way.
func (p *pulse) next(now time.Time) (ask func(client.ObjectKey), age time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ask == nil {
		return nil, 0
	}
	if !p.asked.IsZero() {
		return nil, now.Sub(p.asked)
	}
	p.asked = now
	return p.ask, 0
}

// checkProbes says which backend should have looked long ago for what it has to probe, and has not.
func (r *registry) checkProbes() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, e := range r.entries {
		if late := e.backend.alarm.late(time.Now()); late >= stuckAfter {
			return fmt.Errorf("LLMBackend %s: probes are %s late", key, late.Truncate(time.Second))
		}
	}
	return nil
}
