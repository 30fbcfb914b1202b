// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-dev/breakwater/internal/invariant"
	"github.com/breakwater-dev/breakwater/test/apiproxy"
	"github.com/breakwater-dev/breakwater/test/observer"
)

// side says what becomes of the write at which the operator is killed.
type side string

const (
	// before: the write never reaches the API server.
	before side = "before"
	// after: the write is carried out, and the operator does not hear of it.
	after side = "after"
	// late: the write was on its way, and reaches the API server when the next operator has done everything.
	late side = "late"
)

// The operator is killed at each write of each workload. However it is killed, the next one ends where one that was
// never disturbed ends, and at no moment is an invariant broken.
func TestCrash(t *testing.T) {
	for _, l := range workloads {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			writes, want := l.undisturbed(t)
			t.Logf("%d writes: %v", len(writes), writes)
			for i := range writes {
				for _, s := range []side{before, after, late} {
					t.Run(fmt.Sprintf("%d-%s", i+1, s), func(t *testing.T) {
						t.Parallel()
						l.crashAt(t, i+1, s, want)
					})
				}
			}
			t.Run("at-every-write", func(t *testing.T) {
				t.Parallel()
				l.crashAtEveryWrite(t, want)
			})
		})
	}
}

// start makes a world in which the workload may begin to happen.
func (l workload) start(t *testing.T) (*world, *operator) {
	t.Helper()
	w := newWorld(t)
	o := w.operator("operator", "--leader-elect=false")
	o.start()
	l.begin(w)
	return w, o
}

// undisturbed returns the writes of a run, and how it ends. It runs in the test itself, so that each of its
// subtests can be run alone.
func (l workload) undisturbed(t *testing.T) ([]apiproxy.Write, string) {
	t.Helper()
	w, o := l.start(t)
	l.arm(w, o, carryOut)
	l.happen(w)
	w.rest(l, o)
	writes := o.proxy.Writes()
	state, _, _ := w.observer.Look()
	end := w.normal(state)

	o.crash(o.life())
	w.rest(l, o)
	if later := o.proxy.Writes(); len(later) > len(writes) {
		t.Errorf("started again at rest, the operator wrote %v", later[len(writes):])
	}
	w.judge(l, o)
	o.end()
	if t.Failed() {
		t.FailNow()
	}
	return writes, end
}

// crashAt kills the operator at the write of that number.
func (l workload) crashAt(t *testing.T, number int, s side, want string) {
	w, o := l.start(t)
	reached := make(chan apiproxy.Write, 1)
	release, answered := make(chan struct{}), make(chan *apiproxy.Answer, 1)
	l.arm(w, o, func(write apiproxy.Write, forward apiproxy.Forward) *apiproxy.Answer {
		if write.Number != number {
			return forward()
		}
		reached <- write
		life := o.life()
		if s == after {
			forward()
		}
		o.crash(life)
		if s == late {
			w.hold(release)
			answered <- forward()
		}
		return nil
	})
	l.happen(w)
	how := fmt.Sprintf("killed %s write %d", s, number)
	w.awaitEnd(want, how)
	close(release)
	missed := false
	select {
	case at := <-reached:
		how += fmt.Sprintf(" (%s %s)", at.Method, at.Path)
		if s == late {
			wantRefused(t, <-answered)
		}
	default:
		missed = true // a condition of the status went along with another write
	}
	w.finish(l, o, want, how)
	if missed {
		t.Skipf("this run had fewer writes: %v", o.proxy.Writes())
	}
}

// crashAtEveryWrite lets no process live longer than to its first write.
func (l workload) crashAtEveryWrite(t *testing.T, want string) {
	w, o := l.start(t)
	l.arm(w, o, func(_ apiproxy.Write, forward apiproxy.Forward) *apiproxy.Answer {
		life := o.life()
		forward()
		o.crash(life)
		return nil
	})
	l.happen(w)
	w.finish(l, o, want, "killed after every write")
}

// finish checks that the world ends as undisturbed and stays so, and that no invariant was broken.
func (w *world) finish(l workload, o *operator, want, how string) {
	w.t.Helper()
	w.awaitEnd(want, how)
	w.rest(l, o)
	w.awaitEnd(want, how)
	w.judge(l, o)
}

// awaitEnd waits until the world is as at the end of an undisturbed run.
func (w *world) awaitEnd(want, how string) {
	w.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		state, changed, err := w.observer.Look()
		if err != nil {
			w.t.Fatal(err)
		}
		have := w.normal(state)
		if have == want {
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			w.t.Fatalf("%s, it ends otherwise than undisturbed (-undisturbed +now):\n%s", how, cmp.Diff(want, have))
		}
	}
}

// rest waits until the operator has looked at each healthy region it probes twice more.
func (w *world) rest(l workload, o *operator) {
	w.t.Helper()
	state, _, _ := w.observer.Look()
	var probed []string
	for _, name := range l.judged {
		b := state.Backends[name]
		probed = append(probed, b.Status.ActiveRegion)
	}
	w.awaitProbes(2, probed...)
	noCrash(w.t, o)
}

// judge holds everything that was stored and published against the invariants.
func (w *world) judge(l workload, o *operator) {
	w.t.Helper()
	story := w.story(o.restarts)
	for _, name := range l.judged {
		judge := observer.Judge(name, w.observer.Revisions(), story, func(v invariant.Violation) { w.t.Error(v) })
		var healthy []string
		for _, region := range names {
			if w.healthy[region] {
				healthy = append(healthy, region)
			}
		}
		judge.Converged(time.Now(), healthy...)
	}
}
