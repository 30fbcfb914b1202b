// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"sync/atomic"

	eventsv1 "k8s.io/api/events/v1"
	eventsv1client "k8s.io/client-go/kubernetes/typed/events/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Events tell people; the status is the record. So when thousands of LLMBackends move at once, their events are
// written at eventsRate per second after a burst, while the writes that move traffic go at once. At most
// eventsWaiting wait for that; what comes beyond is logged only.
const (
	eventsRate    = 50
	eventsBurst   = 100
	eventsWaiting = 2000
)

// newRecorder returns a recorder of events and what has to run for them to be written.
func newRecorder(mgr ctrl.Manager) (events.EventRecorder, manager.RunnableFunc, error) {
	client, err := eventsv1client.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, nil, fmt.Errorf("create client for events: %w", err)
	}
	broadcaster := events.NewBroadcaster(&boundedSink{
		EventSink: &events.EventSinkImpl{Interface: client},
		limiter:   flowcontrol.NewTokenBucketRateLimiter(eventsRate, eventsBurst),
		maximum:   eventsWaiting,
	})
	run := func(ctx context.Context) error {
		if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
			return fmt.Errorf("start writing events: %w", err)
		}
		<-ctx.Done()
		broadcaster.Shutdown()
		return nil
	}
	return broadcaster.NewRecorder(mgr.GetScheme(), "breakwater"), run, nil
}

// boundedSink writes events one after the other, and not too many of them.
type boundedSink struct {
	events.EventSink
	limiter flowcontrol.RateLimiter
	maximum int64
	waiting atomic.Int64
}

// Create writes a new event.
func (s *boundedSink) Create(ctx context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	if !s.wait(ctx, event) {
		return event, nil
	}
	return s.EventSink.Create(ctx, event)
}

// Patch writes that an event happened again.
func (s *boundedSink) Patch(ctx context.Context, event *eventsv1.Event, data []byte) (*eventsv1.Event, error) {
	if !s.wait(ctx, event) {
		return event, nil
	}
	return s.EventSink.Patch(ctx, event, data)
}

// wait waits for the event's turn. It says false, and logs the event, if there is none.
func (s *boundedSink) wait(ctx context.Context, event *eventsv1.Event) bool {
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) <= s.maximum && s.limiter.Wait(ctx) == nil {
		return true
	}
	log.FromContext(ctx).Info("An event is not written, because too many wait or the operator stops",
		"object", klog.KRef(event.Regarding.Namespace, event.Regarding.Name), "reason", event.Reason, "note", event.Note)
	return false
}
