// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"testing"
	"time"
)

// Real traffic is told to wait again and again. Each wish is kept to, and few are worth a write.
func TestRepeatedRetryAfterIsSeldomWritten(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	w.run(30 * second)
	before := w.writes
	for at := 30 * second; at < time.Hour; at += 10 * second {
		w.traffic(at, "eu-west", 3, limited(10*time.Minute))
		w.traffic(at, "eu-west", 1, status(402))
	}
	w.run(time.Hour)
	b := &w.machine.regions[1].breaker
	if want := w.clock().Add(590 * second); b.OpenUntil().Before(want) {
		t.Errorf("open until %v, want what the newest answer asked for, %v", b.OpenUntil(), want)
	}
	stored, _ := w.stored.region("eu-west")
	if lag := b.OpenUntil().Sub(stored.OpenUntil); lag > 150*second {
		t.Errorf("what is stored ends %s before the window, want at most a quarter of it", lag)
	}
	if n := w.writes - before; n < 2 || n > 40 {
		t.Errorf("%d writes in an hour, want one for each fifth of the 10 minutes that were asked for", n)
	}
}

// What is worth a write: another opening, a window that is much longer, and one that is over.
func TestLengthenedWindowIsWritten(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	w.traffic(10*second, "eu-west", 1, limited(600*second))
	w.run(20 * second)
	end := func() time.Duration {
		r, _ := w.stored.region("eu-west")
		return r.OpenUntil.Sub(epoch())
	}
	for _, step := range []struct {
		at   time.Duration
		wait time.Duration
		want time.Duration
	}{
		{20 * second, 600 * second, 610 * second},
		{30 * second, 700 * second, 610 * second},
		{31 * second, 900 * second, 931 * second},
		{800 * second, 200 * second, 1000 * second},
	} {
		w.traffic(step.at, "eu-west", 1, limited(step.wait))
		w.run(step.at)
		if got := end(); got != step.want {
			t.Errorf("at %s, asked to wait %s: stored end %s, want %s", step.at, step.wait, got, step.want)
		}
	}
}
