// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

const (
	// eventInterval lies between two events that are sent. It also lets the slice go first that the event tells of.
	eventInterval = 20 * time.Millisecond
	// maxWaitingEvents bounds how many wait: without reconciles between them they are sent within 20 s.
	maxWaitingEvents = 1000
)

// pacedRecorder sends events one after the other, at a bounded rate, and not while reconciles wait: an outage of
// many LLMBackends makes thousands of events within a second, and their writes would stand in the way of those
// that move traffic. When too many wait, further ones are left out: the status says all that they would.
type pacedRecorder struct {
	recorder events.EventRecorder
	busy     func() bool // whether reconciles wait
	waiting  chan waitingEvent
	leftOut  atomic.Int64
	dropped  func() // is told of each that is left out; nil for nobody
}

type waitingEvent struct {
	regarding, related         runtime.Object
	kind, reason, action, note string
	args                       []any
}

func newPacedRecorder(recorder events.EventRecorder, busy func() bool) *pacedRecorder {
	return &pacedRecorder{recorder: recorder, busy: busy, waiting: make(chan waitingEvent, maxWaitingEvents)}
}

// Eventf has an event sent soon. It never blocks. The objects must not be changed afterwards.
func (r *pacedRecorder) Eventf(regarding, related runtime.Object, kind, reason, action, note string, args ...any) {
	select {
	case r.waiting <- waitingEvent{regarding, related, kind, reason, action, note, args}:
	default:
		r.leftOut.Add(1)
		if r.dropped != nil {
			r.dropped()
		}
	}
}

// Start sends events until ctx ends.
func (r *pacedRecorder) Start(ctx context.Context) error {
	for {
		select {
		case e := <-r.waiting:
			if !r.pause(ctx) {
				return nil
			}
			r.recorder.Eventf(e.regarding, e.related, e.kind, e.reason, e.action, e.note, e.args...)
			if n := r.leftOut.Swap(0); n > 0 {
				log.FromContext(ctx).Info("Left out events because too many came at once", "count", n)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// pause waits until the next event may be sent, and says false if ctx has ended before.
func (r *pacedRecorder) pause(ctx context.Context) bool {
	ticker := time.NewTicker(eventInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if !r.busy() {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}
