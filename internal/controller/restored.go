// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/event"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/traffic"
)

// A backup that is restored puts LLMBackends and slices back together, and the caches learn of it one by one. Until
// all have, this operator may know a decision that was never made as far as the API server can tell. So where
// something says that a backup was restored, the LLMBackend is read past the cache before anything rests on it.

// errPutBack ends a reconcile that was about another LLMBackend than the one that is stored.
var errPutBack = errors.New("the LLMBackend has changed, or was put back by a restored backup, before its decision was published: deciding again")

// putBack says whether the watch brings an older version after a newer one, or once more the one that an own write
// has replaced.
func (e *entry) putBack(u event.UpdateEvent) bool {
	before, now := u.ObjectOld.GetResourceVersion(), u.ObjectNew.GetResourceVersion()
	if before == now {
		return u.ObjectOld != u.ObjectNew && e.hasReplaced(now)
	}
	order, err := resourceversion.CompareResourceVersion(before, now)
	return err == nil && order > 0
}

// forgetUndone forgets what was published if the newest LLMBackend that this operator knows was put back to stored.
func (e *entry) forgetUndone(stored *llmv1alpha1.LLMBackend) {
	if newest := e.newest.Load(); newest != nil && versionOf(stored).before(newest.version) {
		e.shown.Store(nil)
		e.restored = true
	}
}

// version is what tells how old a version of an LLMBackend is: its resource version, and two numbers of its status
// that never go down.
type version struct {
	resource                 string
	transitionSeq, published int64
}

func versionOf(b *llmv1alpha1.LLMBackend) version {
	return version{b.ResourceVersion, b.Status.TransitionSeq, publishedBy(b)}
}

// before says whether v is an older version of the same LLMBackend than o, or, written anew since, goes on from an
// older one.
func (v version) before(o version) bool {
	if order, err := resourceversion.CompareResourceVersion(v.resource, o.resource); err == nil && order < 0 {
		return true
	}
	return v.transitionSeq < o.transitionSeq || v.published < o.published
}

// publishedBy returns the number that the status says is published, -1 for none.
func publishedBy(b *llmv1alpha1.LLMBackend) int64 {
	if b.Status.PublishedSeq == nil {
		return -1
	}
	return *b.Status.PublishedSeq
}

// write makes the slices show the decision. Unless this reconcile has stored it, and so knows that it is the one that
// counts, that is looked up before anything is written. Slices that show a newer decision than the status, which was
// read after them, show one that a restored backup has undone, and are written over.
func (r *Reconciler) write(ctx context.Context, s *scope, desired traffic.Desired, existing []discoveryv1.EndpointSlice) (traffic.Result, error) {
	if !s.decided && !holdAll(existing, desired.Slices) {
		if err := r.stillStored(ctx, s); err != nil {
			return traffic.Result{}, err
		}
	}
	if !s.entry.restored {
		result, err := r.Publisher.Publish(ctx, desired)
		if !errors.Is(err, traffic.ErrNewer) {
			return result, err
		}
	}
	return r.Publisher.PublishOver(ctx, desired, func() error { return r.stillStored(ctx, s) })
}

// stillStored reads the LLMBackend past the cache, and returns an error if it is not the one that was decided on.
func (r *Reconciler) stillStored(ctx context.Context, s *scope) error {
	s.entry.doubted.Store(true)
	fresh, err := s.entry.read(ctx, r.Live, s.stored)
	if err != nil {
		return err
	}
	if fresh.ResourceVersion != s.stored.ResourceVersion {
		s.entry.doubted.Store(true)
		return errPutBack
	}
	return nil
}
