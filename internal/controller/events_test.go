// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// recorded notes when events were sent.
type recorded struct {
	notes []any
	times []time.Time
}

func (r *recorded) Eventf(_, _ runtime.Object, _, _, _, _ string, args ...any) {
	r.notes = append(r.notes, args[0])
	r.times = append(r.times, time.Now())
}

func TestEventsArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := &recorded{}
		r := newPacedRecorder(sent, func() bool { return false })
		const over = 5
		for i := range maxWaitingEvents + over {
			r.Eventf(nil, nil, corev1.EventTypeNormal, "FailedOver", eventAction, "%d", i)
		}
		if got := r.leftOut.Load(); got != over {
			t.Errorf("%d events were left out, want %d", got, over)
		}

		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		began := time.Now()
		go func() { ended <- r.Start(ctx) }()
		time.Sleep(maxWaitingEvents * eventInterval)
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}

		if len(sent.notes) != maxWaitingEvents {
			t.Fatalf("%d events were sent, want %d", len(sent.notes), maxWaitingEvents)
		}
		for i, at := range sent.times {
			if want := time.Duration(i+1) * eventInterval; sent.notes[i] != i || at.Sub(began) != want {
				t.Fatalf("event %v was sent after %s, want event %d after %s", sent.notes[i], at.Sub(began), i, want)
			}
		}
		if got := r.leftOut.Load(); got != 0 {
			t.Errorf("%d left out events were not told", got)
		}
	})
}

func TestEventsEndWithTheOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := &recorded{}
		r := newPacedRecorder(sent, func() bool { return false })
		r.Eventf(nil, nil, corev1.EventTypeNormal, "FailedOver", eventAction, "%d", 1)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Start(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil || len(sent.notes) != 0 {
			t.Errorf("Start returned %v after %d events, want none of both", err, len(sent.notes))
		}
	})
}

func TestEventsWaitForReconciles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reconciles atomic.Int64
		reconciles.Store(1)
		sent := &recorded{}
		r := newPacedRecorder(sent, func() bool { return reconciles.Load() > 0 })
		r.Eventf(nil, nil, corev1.EventTypeNormal, "FailedOver", eventAction, "%d", 0)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Start(ctx) }()

		time.Sleep(time.Minute)
		synctest.Wait()
		if len(sent.notes) != 0 {
			t.Error("an event was sent although a reconcile waits")
		}
		reconciles.Store(0)
		time.Sleep(2 * eventInterval)
		synctest.Wait()
		if len(sent.notes) != 1 {
			t.Errorf("%d events were sent when no reconcile waits any more, want 1", len(sent.notes))
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
