// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package schedules

import (
	"sync"
	"time"

	"github.com/breakwater-dev/breakwater/test/schedules/apiserver"
)

// fault is what goes wrong with requests to the API server for a time.
type fault struct {
	name        string
	from, until time.Time
	// writes: only requests that write meet it; resource, if not "": only those for it.
	writes   bool
	resource string
	chance   float64 // that a request meets it, 0 to 1
	fate     apiserver.Fate
	conflict bool // another writer comes first
}

// weather is what there is between the operator and the API server.
type weather struct {
	draw   func(key string) uint64
	travel func(key string) time.Duration

	mu     sync.Mutex
	faults []fault
	lags   map[string]time.Time // until when events of a resource do not arrive
}

func (w *weather) add(f fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, f)
}

func (w *weather) holdBack(resource string, until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lags[resource] = until
}

func (w *weather) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = nil
	clear(w.lags)
}

// meets returns the fault that a request meets now.
func (w *weather) meets(r apiserver.Request) (fault, bool) {
	chance := float64(w.draw("chance "+keyOf(r))%1000) / 1000
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.faults {
		if now.Before(f.from) || !now.Before(f.until) || f.writes && !r.Writes() ||
			f.resource != "" && f.resource != r.Resource || chance >= f.chance {
			continue
		}
		return f, true
	}
	return fault{}, false
}

func keyOf(r apiserver.Request) string {
	name := r.Name
	if r.Resource == apiserver.Events {
		name = "" // it holds the time
	}
	return r.Verb + " " + r.Resource + "/" + name + "/" + r.Subresource
}

// fate says what becomes of a request of the operator.
func (w *weather) fate(r apiserver.Request) apiserver.Fate {
	there, back := w.travel("to "+keyOf(r)), w.travel("from "+keyOf(r))
	f, ok := w.meets(r)
	fate := f.fate
	if !ok || f.conflict {
		fate = apiserver.Fate{}
	}
	fate.There += there
	fate.Back += back
	return fate
}

// lag says how long an event takes to the operator.
func (w *weather) lag(resource string) time.Duration {
	lag := w.travel("event of " + resource)
	w.mu.Lock()
	defer w.mu.Unlock()
	return max(0, time.Until(w.lags[resource])) + lag
}
