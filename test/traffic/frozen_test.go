// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/breakwater-dev/breakwater/internal/traffic"
)

// frozenAt5 returns an operator that stopped between read and write: its cache shows the slice at seq 4,
// and it is about to publish seq 5.
func (w *world) frozenAt5() (*operator, traffic.Decision) {
	w.t.Helper()
	w.mustPublish(w.decision(4, "10.1.0.10"))
	op := w.newOperator()
	op.client.freeze(slice4, w.slice(slice4))
	return op, w.decision(5, "10.2.0.10")
}

// wantOneRefused checks that the API server itself refused the only write.
func (o *operator) wantOneRefused(t *testing.T, reason func(error) bool) {
	t.Helper()
	if writes := o.client.takeWrites(); len(writes) != 1 || !reason(writes[0]) {
		t.Errorf("writes %v, want a single one, refused", writes)
	}
}

func TestFrozenWriterCannotOverwriteANewerDecision(t *testing.T) {
	w := newWorld(t)
	op, late := w.frozenAt5()
	w.mustPublish(w.decision(6, "10.3.0.10"))
	newer := w.slice(slice4)

	result, err := op.publish(t.Context(), late)
	if !errors.Is(err, traffic.ErrNewer) {
		t.Errorf("error %v, want %v", err, traffic.ErrNewer)
	}
	wantResult(t, result)
	op.wantOneRefused(t, apierrors.IsConflict)
	w.wantUnchanged(newer)
}

func TestFrozenWriterCannotRecreateADeletedSlice(t *testing.T) {
	w := newWorld(t)
	op, late := w.frozenAt5()
	w.must(w.client.Delete(t.Context(), w.slice(slice4)))

	result, err := op.publish(t.Context(), late)
	if !apierrors.IsConflict(err) {
		t.Errorf("error %v, want the API server's Conflict", err)
	}
	wantResult(t, result)
	op.wantOneRefused(t, apierrors.IsConflict)
	if slice := w.slice(slice4); slice != nil {
		t.Errorf("the slice was created again: %s", asJSON(t, slice))
	}
}

func TestFrozenWriterCannotOverwriteARecreatedSlice(t *testing.T) {
	w := newWorld(t)
	op, late := w.frozenAt5()
	w.must(w.client.Delete(t.Context(), w.slice(slice4)))
	w.mustPublish(w.decision(6, "10.3.0.10"))
	newer := w.slice(slice4)

	if _, err := op.publish(t.Context(), late); !errors.Is(err, traffic.ErrNewer) {
		t.Errorf("error %v, want %v", err, traffic.ErrNewer)
	}
	op.wantOneRefused(t, apierrors.IsConflict)
	w.wantUnchanged(newer)
}

func TestFrozenWriterCannotReleaseANewerSlice(t *testing.T) {
	w := newWorld(t)
	op, late := w.frozenAt5()
	w.mustPublish(w.decision(6, "10.3.0.10"))
	newer := w.slice(slice4)

	late.Retain = true // its first write would remove the owner reference
	if _, err := op.publish(t.Context(), late); !errors.Is(err, traffic.ErrNewer) {
		t.Errorf("error %v, want %v", err, traffic.ErrNewer)
	}
	op.wantOneRefused(t, apierrors.IsConflict)
	w.wantUnchanged(newer)
}

// TestPublishOver: what a restored backup has undone is written over, if the decision is still stored when the slices
// have been read, and if nobody has written them since.
func TestPublishOver(t *testing.T) {
	w := newWorld(t)
	op, older := w.frozenAt5()
	w.mustPublish(w.decision(6, "10.3.0.10"))
	newer := w.slice(slice4)

	changed := errors.New("the LLMBackend has changed")
	if _, err := op.publishOver(t.Context(), older, func() error { return changed }); !errors.Is(err, changed) {
		t.Errorf("error %v, want %v", err, changed)
	}
	op.wantWrites(t, 0)
	w.wantUnchanged(newer)

	_, err := op.publishOver(t.Context(), older, func() error {
		w.mustPublish(w.decision(7, "10.3.0.10"))
		return nil
	})
	if !apierrors.IsConflict(err) {
		t.Errorf("error %v, want a conflict", err)
	}
	wantSeq(t, w.slice(slice4), 7)

	if _, err := op.publishOver(t.Context(), older, func() error { return nil }); err != nil {
		t.Error(err)
	}
	wantSeq(t, w.slice(slice4), older.Seq)
}

func wantSeq(t *testing.T, slice *discoveryv1.EndpointSlice, want int64) {
	t.Helper()
	if _, seq, err := traffic.ParseTransitionSeq(slice.Annotations[traffic.TransitionSeqAnnotation]); err != nil || seq != want {
		t.Errorf("the slice shows %d, %v, want %d", seq, err, want)
	}
}

func TestStaleDecisionIsRefusedWithoutAWrite(t *testing.T) {
	w := newWorld(t)
	w.mustPublish(w.dualStack(6, "10.3.0.10", "fd00:3::10"))
	newer := w.slice(slice6)
	w.must(w.client.Delete(t.Context(), w.slice(slice4)))

	op := w.newOperator()
	result, err := op.publish(t.Context(), w.dualStack(5, "10.2.0.10", "fd00:2::10"))
	if !errors.Is(err, traffic.ErrNewer) {
		t.Errorf("error %v, want %v", err, traffic.ErrNewer)
	}
	wantResult(t, result)
	op.wantWrites(t, 0)
	w.wantUnchanged(newer)
	if w.slice(slice4) != nil {
		t.Error("one family was written though the other showed a newer decision")
	}
}

func TestCacheBehindAtCreate(t *testing.T) {
	tests := map[string]struct {
		seq       int64
		wantErr   error
		wantWrite bool
	}{
		"ours is older": {seq: 5, wantErr: traffic.ErrNewer},
		"it is ours":    {seq: 6},
		"ours is newer": {seq: 7, wantWrite: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mustPublish(w.decision(6, "10.1.0.10"))
			op := w.newOperator()
			op.client.freeze(slice4, nil)

			result, err := op.publish(t.Context(), w.decision(test.seq, "10.1.0.10"))
			if !errors.Is(err, test.wantErr) {
				t.Errorf("error %v, want %v", err, test.wantErr)
			}
			writes := op.client.takeWrites()
			if len(writes) == 0 || !apierrors.IsAlreadyExists(writes[0]) {
				t.Errorf("writes %v, want AlreadyExists first", writes)
			}
			if written := len(result.Writes) == 1 && len(writes) == 2; written != test.wantWrite {
				t.Errorf("result %+v after writes %v, want a write: %v", result, writes, test.wantWrite)
			}
		})
	}
}

func TestCacheBehindOwnWrite(t *testing.T) {
	w := newWorld(t)
	op, d := w.frozenAt5()
	_, err := op.publish(t.Context(), d)
	w.must(err)
	op.wantWrites(t, 1)
	stored := w.slice(slice4)
	var conflicts atomic.Int32
	op.Conflicted = func() { conflicts.Add(1) }

	result, err := op.publish(t.Context(), d) // the cache still shows seq 4
	w.must(err)
	wantResult(t, result)
	op.wantOneRefused(t, apierrors.IsConflict)
	if n := conflicts.Load(); n != 1 {
		t.Errorf("told of %d conflicts, want 1", n)
	}
	w.wantUnchanged(stored)
}

// TestSeqNeverFalls lets writers with different decisions race, and watches the slice.
func TestSeqNeverFalls(t *testing.T) {
	const writers = 12
	const attempts = 10 * writers // a conflict means that another writer got through
	w := newWorld(t)
	w.mustPublish(w.decision(0, "10.1.0.1"))
	events := w.watchSlices()

	done := make(chan error, writers)
	for seq := range int64(writers) {
		op := w.newOperator()
		go func() {
			var err error
			for range attempts {
				_, err = op.publish(t.Context(), w.decision(seq+1, fmt.Sprintf("10.1.0.%d", seq+1)))
				if !apierrors.IsConflict(err) {
					break
				}
			}
			done <- err
		}()
	}
	for range writers {
		if err := <-done; err != nil && !errors.Is(err, traffic.ErrNewer) {
			t.Fatalf("error %v, want none or %v", err, traffic.ErrNewer)
		}
	}

	want := traffic.FormatTransitionSeq("uid-1", writers)
	if got := w.slice(slice4).Annotations[traffic.TransitionSeqAnnotation]; got != want {
		t.Fatalf("the race ended with %s, want %s", got, want)
	}
	for last := int64(0); last < writers; {
		event := <-events
		slice, ok := event.Object.(*discoveryv1.EndpointSlice)
		if !ok {
			t.Fatalf("watch ended at seq %d: %+v", last, event)
		}
		_, seq, err := traffic.ParseTransitionSeq(slice.Annotations[traffic.TransitionSeqAnnotation])
		w.must(err)
		if seq < last {
			t.Fatalf("seq fell from %d to %d", last, seq)
		}
		if want := fmt.Sprintf("10.1.0.%d", max(seq, 1)); slice.Endpoints[0].Addresses[0] != want {
			t.Errorf("seq %d shows %s, want %s", seq, slice.Endpoints[0].Addresses[0], want)
		}
		last = seq
	}
}
