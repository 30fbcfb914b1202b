// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// However the active region dies, clients are answered by the other one.
func TestFailures(t *testing.T) {
	t.Parallel()
	behave := func(b lab.Behaviour) func(*world) func() error {
		return func(w *world) func() error {
			r := w.region(0, 0)
			return func() error { return r.Set(b) }
		}
	}
	for _, c := range []struct {
		name string
		// start starts the primary and returns how to let it die.
		start func(*world) (die func() error)
	}{
		{"server killed", func(w *world) func() error { return w.regionProcess(0).Kill }},
		{"server frozen", func(w *world) func() error {
			p := w.regionProcess(0)
			return func() error { return p.Signal(syscall.SIGSTOP) }
		}},
		{"packets dropped", behave(lab.Silent())},
		{"slow drip", behave(lab.Drip(time.Second))},
		{"status 503", behave(lab.Status(503))},
		{"connections reset", behave(lab.Reset())},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			die := c.start(w)
			w.region(1, 0)
			w.create(w.backend())
			w.call()
			w.awaitAnswer(primary, time.Time{})
			w.wantNoErrors()

			died := time.Now()
			if err := die(); err != nil {
				t.Fatal(err)
			}
			seen := w.awaitAnswer(secondary, died)
			w.awaitActive(secondary)
			t.Log(seen)

			// From then on every new connection is answered there.
			after := w.awaitCalls(20)
			if regions, failed := after.Answers(); failed > 0 || regions[primary] > 0 {
				t.Errorf("after the failover the client saw %s", after)
			}
		})
	}
}
