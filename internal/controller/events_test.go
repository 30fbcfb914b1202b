// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/flowcontrol"
)

// countingSink counts what is written, by the second.
type countingSink struct {
	events.EventSink
	mu      sync.Mutex
	start   time.Time
	written map[int]int
}

func (s *countingSink) Create(_ context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written[int(time.Since(s.start)/time.Second)]++
	return event, nil
}

func (s *countingSink) Patch(ctx context.Context, event *eventsv1.Event, _ []byte) (*eventsv1.Event, error) {
	return s.Create(ctx, event)
}

func TestEventsOfAMassFailoverAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counting := &countingSink{start: time.Now(), written: map[int]int{}}
		sink := &boundedSink{EventSink: counting, limiter: flowcontrol.NewTokenBucketRateLimiter(50, 100), maximum: 2000}
		var writers sync.WaitGroup
		for i := range 10_000 {
			writers.Go(func() {
				event := &eventsv1.Event{Reason: "FailedOver"}
				write := func() error { _, err := sink.Create(t.Context(), event); return err }
				if i%2 == 1 {
					write = func() error { _, err := sink.Patch(t.Context(), event, nil); return err }
				}
				if err := write(); err != nil {
					t.Error(err)
				}
			})
		}
		writers.Wait()
		total := 0
		for second, count := range counting.written {
			total += count
			if bound := 50 + 1; second > 0 && count > bound {
				t.Errorf("%d events in second %d, want at most %d", count, second, bound)
			}
		}
		if first := counting.written[0]; first > 150 {
			t.Errorf("%d events in the first second, want the burst of 100 and 50 more", first)
		}
		// Those in the burst do not wait, so how many are written besides them depends on who comes first.
		if total < 2000 || total > 2100 {
			t.Errorf("%d of 10,000 events are written, want the 2,000 that may wait and at most the burst of 100", total)
		}
	})
}

func TestEventsEndWithTheOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counting := &countingSink{start: time.Now(), written: map[int]int{}}
		sink := &boundedSink{EventSink: counting, limiter: flowcontrol.NewTokenBucketRateLimiter(1, 1), maximum: 10}
		ctx, stop := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		for range 5 {
			writers.Go(func() { _, _ = sink.Create(ctx, &eventsv1.Event{}) })
		}
		synctest.Wait()
		stop()
		writers.Wait()
		if total := counting.written[0]; total != 1 || len(counting.written) != 1 {
			t.Errorf("written by the second: %v, want only the one that did not wait", counting.written)
		}
	})
}
