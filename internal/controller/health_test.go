// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestQueueThatMovesIsHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &Reconciler{}
		if err := r.pulse.check(time.Now()); err != nil {
			t.Errorf("without a queue, as on a standby: %v", err)
		}
		r.pulse.start(func(key client.ObjectKey) {
			if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: key}); err != nil {
				t.Errorf("Reconcile of a heartbeat: %v", err)
			}
		})
		for range 20 {
			if err := r.pulse.check(time.Now()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Second)
		}
	})
}

func TestStuckQueueIsUnhealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pulse
		sent := 0
		p.start(func(client.ObjectKey) { sent++ })
		for elapsed := time.Duration(0); elapsed < stuckAfter; elapsed += 20 * time.Second {
			if err := p.check(time.Now()); err != nil {
				t.Fatalf("after %s: %v", elapsed, err)
			}
			time.Sleep(20 * time.Second)
		}
		err := p.check(time.Now())
		if want := "no reconcile has been begun for 2m0s"; err == nil || err.Error() != want {
			t.Errorf("after %s: got %v, want %q", stuckAfter, err, want)
		}
		if sent != 1 {
			t.Errorf("sent %d heartbeats, want one until it is answered", sent)
		}
		p.answer()
		if err := p.check(time.Now()); err != nil {
			t.Errorf("after the answer: %v", err)
		}
	})
}

func TestStuckProbesAreUnhealthy(t *testing.T) {
	tests := map[string]struct {
		wake func(*backend)
		want string // a part of the error; empty for healthy
	}{
		"a loop that goes on":   {wake: rearm},
		"a loop that is lost":   {wake: func(*backend) {}, want: "LLMBackend apps/chat: probes are 2m0s late"},
		"a loop that has ended": {wake: (*backend).stop},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRegistry()
				e := r.ensure(types.NamespacedName{Namespace: "apps", Name: "chat"}, "uid", func(ctx context.Context) *backend {
					return newBackend(ctx, nil, nil)
				})
				defer r.stop()
				e.backend.mu.Lock()
				now := time.Now()
				e.backend.alarm.arm(now, now.Add(5*time.Second), func() { test.wake(e.backend) })
				e.backend.mu.Unlock()
				time.Sleep(5*time.Second + stuckAfter - time.Nanosecond)
				if err := r.checkProbes(); err != nil {
					t.Fatalf("before the bound: %v", err)
				}
				time.Sleep(time.Nanosecond)
				if err := r.checkProbes(); (test.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want an error with %q", err, test.want)
				}
			})
		})
	}
}

// rearm is a probe loop that looks every five seconds.
func rearm(b *backend) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.alarm.arm(now, now.Add(5*time.Second), func() { rearm(b) })
}

func TestStoppedBackendIsNotLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBackend(t.Context(), nil, nil)
		now := time.Now()
		b.alarm.arm(now, now.Add(time.Second), b.wake)
		b.stop()
		time.Sleep(time.Hour)
		if late := b.alarm.late(time.Now()); late != 0 {
			t.Errorf("a stopped backend is %s late, want never", late)
		}
	})
}
