// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
)

// fleet are backends that wait for the same turns.
type fleet []*running

// runFleet runs as many backends, and returns how many of them wait.
func runFleet(t *testing.T, size int, perSecond float64) (f fleet, waiting *atomic.Int64) {
	waiting = &atomic.Int64{}
	q := newTurns(perSecond, func(n int) { waiting.Store(int64(n)) })
	f = make(fleet, size)
	for i := range f {
		f[i] = runPrepared(t, func(b *backend) { b.pacedBy(q) }, func(b *llmv1alpha1.LLMBackend) {
			b.Name, b.UID = fmt.Sprintf("chat-%d", i), types.UID(fmt.Sprint(i))
		})
		t.Cleanup(f[i].backend.stop)
	}
	return f, waiting
}

// until reconciles as asked until the time is over.
func (f fleet) until(t *testing.T, d time.Duration) {
	var all sync.WaitGroup
	for _, r := range f {
		all.Go(func() { r.serve(t, d) })
	}
	all.Wait()
	synctest.Wait()
}

// moved returns when transitions of a kind came, in order of time.
func (f fleet) moved(kind llmv1alpha1.TransitionType) []time.Time {
	var times []time.Time
	for _, r := range f {
		for _, move := range r.stored.Status.History {
			if move.Type == kind {
				times = append(times, move.Time.Time)
			}
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// A mistake that takes the primary of a whole fleet moves it one by one, at the rate, each on fresh evidence, in the
// order in which the breakers opened; and so back.
func TestFleetIsMovedAtTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, perSecond = 40, 2
		f, _ := runFleet(t, size, perSecond)
		f.until(t, time.Minute)
		for _, r := range f {
			r.prober.set(east, 503)
		}
		f.until(t, 30*time.Second)
		began := time.Now()
		for _, r := range f {
			r.prober.set(east, 200)
		}
		f.until(t, 5*time.Minute)

		for _, kind := range []llmv1alpha1.TransitionType{llmv1alpha1.TransitionFailedOver, llmv1alpha1.TransitionFailedBack} {
			times := f.moved(kind)
			if len(times) != size {
				t.Fatalf("%d of %d %s", len(times), size, kind)
			}
			for i := 1; i < size; i++ {
				if gap := times[i].Sub(times[i-1]); gap < time.Second/perSecond-time.Millisecond || gap > time.Second/perSecond+10*time.Millisecond && kind == llmv1alpha1.TransitionFailedOver {
					t.Errorf("%s number %d came %v after the one before, want %v", kind, i, gap, time.Second/perSecond)
				}
			}
		}
		if last := f.moved(llmv1alpha1.TransitionFailedOver)[size-1]; last.After(began) {
			t.Errorf("the last failover came %v after 30 s", last.Sub(began))
		}
		slices.SortFunc(f, func(a, b *running) int {
			return first(a, llmv1alpha1.TransitionFailedOver).Compare(first(b, llmv1alpha1.TransitionFailedOver))
		})
		// Backends wake up on a common beat: those whose breakers opened with the same one may move in any order.
		if !slices.IsSortedFunc(f, func(a, b *running) int {
			return first(a, llmv1alpha1.TransitionBreakerOpened).Compare(first(b, llmv1alpha1.TransitionBreakerOpened))
		}) {
			t.Error("who waited longest did not come first")
		}
	})
}

// first returns when a backend's first transition of a kind came; zero if none did.
func first(r *running, kind llmv1alpha1.TransitionType) time.Time {
	if times := (fleet{r}).moved(kind); len(times) > 0 {
		return times[0]
	}
	return time.Time{}
}

// Who no longer has to move, and who is deleted, takes no turn.
func TestTurnsOfOthersAreNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, waiting := runFleet(t, 4, 0.1)
		f.until(t, time.Minute)
		for _, r := range f { // the first moves at once, the others wait in this order
			r.backend.mu.Lock()
			for range 5 {
				r.backend.machine.Traffic(time.Now(), "us-east", failedCall())
			}
			r.backend.mu.Unlock()
			r.backend.wake()
			f.until(t, 100*time.Millisecond)
		}
		if n := waiting.Load(); n != 3 {
			t.Errorf("%d wait, want 3", n)
		}
		f.until(t, 4*time.Second)
		if !f[1].plan.View.Waiting {
			t.Error("nobody was told of the wait after 3 s")
		}
		f[1].stored.Annotations = map[string]string{llmv1alpha1.ResetAnnotation: "1"}
		f[1].reconcile(t)
		f[2].backend.stop()
		f.until(t, 6*time.Second)
		var got []string
		for _, r := range f {
			got = append(got, r.stored.Status.ActiveRegion)
		}
		if diff := cmp.Diff([]string{"eu-west", "us-east", "us-east", "eu-west"}, got); diff != "" {
			t.Errorf("active regions (-want +got):\n%s", diff)
		}
		if n := waiting.Load(); n != 0 {
			t.Errorf("%d wait, want none", n)
		}
	})
}

// Who wants to move and cannot just now lets others pass, and keeps the place.
func TestWhoIsNotReadyLetsOthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTurns(1, func(int) {})
		var got []string
		waiting := func(name string) *turn {
			w := &turn{call: func() { got = append(got, name) }}
			q.ask(time.Now(), w, true, true)
			return w
		}
		q.ask(time.Now(), waiting("the first, which need not wait"), false, false)
		a, b := waiting("a"), waiting("b")
		waiting("c")
		q.ask(time.Now(), a, true, false)
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		q.ask(time.Now(), b, false, false)
		q.ask(time.Now(), a, true, true)
		time.Sleep(time.Second)
		synctest.Wait()
		if diff := cmp.Diff([]string{"b", "a"}, got); diff != "" {
			t.Errorf("turns (-want +got):\n%s", diff)
		}
	})
}

func failedCall() failover.Outcome {
	c := failover.Classifier{FailureStatusCodes: []int{503}}
	return c.Classify(failover.Response{Status: 503})
}
