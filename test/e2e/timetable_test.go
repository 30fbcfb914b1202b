// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"sync"
	"time"
)

// apart is the least time between two changes of slices. kube-proxy writes its
// rules at most once a second: one that comes sooner has to wait for that.
const apart = 1500 * time.Millisecond

// timetable has failovers that are measured at the same time wait for their
// breakers together, and move traffic one by one.
type timetable struct {
	mu    sync.Mutex
	taken []window
}

// window is a time in which slices are changed.
type window struct{ from, until time.Time }

// reserve takes a window, unless another one is too close.
func (t *timetable) reserve(w window) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, other := range t.taken {
		if w.from.Before(other.until.Add(apart)) && other.from.Before(w.until.Add(apart)) {
			return false
		}
	}
	t.taken = append(t.taken, w)
	return true
}

// await waits until slices may be changed from now on, for so long.
func (t *timetable) await(length time.Duration) {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		now := time.Now()
		if t.reserve(window{now, now.Add(length)}) {
			return
		}
		<-look.C
	}
}
