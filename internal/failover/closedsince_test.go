// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"testing"
	"time"
)

// What real traffic met before a breaker closed, or at another endpoint, is over. A restart does not forget when.
func TestClosedSince(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	want := func(when string, since time.Duration) {
		t.Helper()
		got := w.machine.ClosedSince("eu-west")
		if since < 0 && !got.IsZero() || since >= 0 && !got.Equal(epoch().Add(since)) {
			t.Errorf("%s: closed since %v, want %s", when, got, since)
		}
	}
	w.traffic(10*second, "eu-west", 5, status(503))
	w.run(5 * second)
	want("at first", 0)
	w.run(20 * second)
	want("open", -1)
	w.run(80 * second)
	want("recovered", 70*second)
	w.restart(90*second, 0)
	w.run(95 * second)
	want("restarted", 70*second)
	w.edit(100*second, func(c *Config) { c.Regions[1].Identity = "elsewhere" })
	w.run(110 * second)
	want("moved", 100*second)
	if got := w.machine.ClosedSince("mars"); !got.IsZero() {
		t.Errorf("a region that there is not is closed since %v", got)
	}
}
