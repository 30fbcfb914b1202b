// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"sync/atomic"
	"time"
)

// beats are when backends wake up that have long to sleep: to wake up costs more than to start a probe, so they do it
// some at a time. The longer the beat the more at a time, so each takes the longest that it can.
var beats = [...]time.Duration{50 * time.Millisecond, 20 * time.Millisecond, 10 * time.Millisecond}

// stretch bounds by how much a beat makes a sleep longer: one part in so many.
const stretch = 100

// alarm is the timer that wakes a backend, and knows how late it is. Only late may be called concurrently: it
// takes no lock, so that it still answers when the backend's lock is never given back.
type alarm struct {
	timer *time.Timer
	set   time.Time    // when it was set first: all times are told from here, on the monotonic clock
	due   atomic.Int64 // nanoseconds after that at which the backend is to be woken; 0 is never
}

// arm has wake called at a time, or a little later with others, and no longer at any other. The zero time is never.
func (a *alarm) arm(now, at time.Time, wake func()) {
	if at.IsZero() {
		a.stop()
		return
	}
	wait := at.Sub(now)
	wait += toBeat(at, wait)
	if a.timer == nil {
		a.set = now
		a.due.Store(max(1, int64(wait)))
		a.timer = time.AfterFunc(wait, wake)
		return
	}
	a.due.Store(max(1, int64(now.Sub(a.set)+wait)))
	a.timer.Reset(wait)
}

// toBeat is the time from at to the next beat that may be waited for, after a sleep of that length.
func toBeat(at time.Time, sleep time.Duration) time.Duration {
	for _, beat := range beats {
		if sleep >= stretch*beat {
			past := time.Duration(at.UnixNano()) % beat
			return (beat - past) % beat
		}
	}
	return 0
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
