// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"sync/atomic"
	"time"
)

// To wake up costs more than to start a probe. So backends that have longer to sleep than beatFrom wake up on a
// common beat, some at a time, and so at most one beat late.
const (
	beat     = 20 * time.Millisecond
	beatFrom = time.Second
)

// alarm is the timer that wakes a backend, and knows how late it is. Only late may be called concurrently: it
// takes no lock, so that it still answers when the backend's lock is never given back.
type alarm struct {
	timer *time.Timer
	set   time.Time    // when it was set first: all times are told from here, on the monotonic clock
	due   atomic.Int64 // nanoseconds after that at which the backend is to be woken; 0 is never
}

// arm has wake called at a time, or with the next beat after it, and no longer at any other. The zero time is never.
func (a *alarm) arm(now, at time.Time, wake func()) {
	if at.IsZero() {
		a.stop()
		return
	}
	wait := at.Sub(now)
	if wait >= beatFrom {
		wait += toBeat(at)
	}
	if a.timer == nil {
		a.set = now
		a.due.Store(max(1, int64(wait)))
		a.timer = time.AfterFunc(wait, wake)
		return
	}
	a.due.Store(max(1, int64(now.Sub(a.set)+wait)))
	a.timer.Reset(wait)
}

// toBeat is the time from at to the next beat.
func toBeat(at time.Time) time.Duration {
	past := time.Duration(at.UnixNano()) % beat
	return (beat - past) % beat
}

func (a *alarm) stop() {
	a.due.Store(0)
	if a.timer != nil {
		a.timer.Stop()
	}
}

// late is for how long the backend should have been awake.
func (a *alarm) late(now time.Time) time.Duration {
	due := a.due.Load()
	if due == 0 {
		return 0
	}
	return max(0, now.Sub(a.set)-time.Duration(due))
}
