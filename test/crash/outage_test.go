// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
)

// soonAfterOutage bounds how long after an outage traffic has moved. A write is tried again after 3 s at most; the
// rest is for a busy machine.
const soonAfterOutage = 10 * time.Second

// While the API server is out of reach a region dies. Traffic moves as soon as it is back.
func TestRegionDiesInOutage(t *testing.T) {
	t.Parallel()
	l := workloadNamed(t, "failover")
	_, want := l.undisturbed(t)
	t.Run("outage", func(t *testing.T) {
		w, o := l.start(t)
		o.proxy.Cut()
		w.set("us-east", false)
		time.Sleep(*outage)
		restored := time.Now()
		o.proxy.Restore()
		w.awaitPublished("chat", "eu-west")
		if took := w.lastSlice().Sub(restored); took > soonAfterOutage {
			t.Errorf("traffic moved %s after the API server was back, want at most %s", took, soonAfterOutage)
		} else {
			t.Logf("traffic moved %s after an outage of %s", took, *outage)
		}
		w.finish(l, o, want, "outage")
	})
}

// lastSlice returns when a slice was last seen to change.
func (w *world) lastSlice() time.Time {
	var last time.Time
	for _, r := range w.observer.Revisions() {
		if _, ok := r.Object.(*discoveryv1.EndpointSlice); ok {
			last = r.Seen
		}
	}
	return last
}

// An outage of the API server alone moves nothing, and neither does a region that dies and recovers meanwhile.
// Nothing is written about either.
func TestNothingMovesForAnOutage(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*world){
		"all is well": func(*world) { time.Sleep(*outage) },
		"a region dies and recovers": func(w *world) {
			w.set("us-east", false)
			w.awaitProbes(3, "us-east") // the breaker opens at the second
			w.set("us-east", true)
			w.awaitProbes(2, "us-east") // it closes at the first
			time.Sleep(*outage)
		},
		"the other region dies and recovers": func(w *world) {
			w.set("eu-west", false)
			w.awaitProbes(3, "eu-west")
			w.set("eu-west", true)
			w.awaitProbes(2, "eu-west")
			time.Sleep(*outage)
		},
	}
	for name, meanwhile := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := workload{begin: serving(soonTried), judged: []string{"chat"}}
			w, o := l.start(t)
			before := len(w.observer.Revisions())
			o.proxy.Cut()
			meanwhile(w)
			o.proxy.Restore()
			// What is asked for now is seen by an operator that has its connection back.
			workloadNamed(t, "switch").happen(w)
			w.rest(l, o)
			var history []string
			for _, transition := range w.backendOf("chat").Status.History {
				history = append(history, string(transition.Type))
			}
			if len(history) != 1 {
				t.Errorf("history after an outage and a switch: %v, want the switch alone", history)
			}
			// The annotations, the switch, its slice and its confirmation.
			if after := len(w.observer.Revisions()); after > before+4 {
				t.Errorf("%d writes after an outage and a switch, want 4", after-before)
			}
			w.judge(l, o)
		})
	}
}
