// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/traffic"
)

// entry is what the reconciler remembers of one LLMBackend between two reconciles.
type entry struct {
	uid     types.UID
	backend *backend

	// newest is the newest version that this operator has written or read past the cache, before that the first that
	// it has seen; replaced is the resource version that it has taken the place of.
	newest   atomic.Pointer[known]
	replaced string
	// doubted is set when there are signs that a backup was restored: then the cache, and what this operator has
	// written, may say what is no longer stored.
	doubted atomic.Bool
	// restored is set when a backup was restored, until the cache shows what was published since: the slices in it
	// may be those of decisions that have been undone.
	restored bool
	// unsettled is a plan whose write ended without an answer: it may be stored or not.
	unsettled *failover.Plan

	// shown is what was published last; nil until this operator has published.
	shown atomic.Pointer[shown]
	// publishing are the slices that are being written; nil while none is. The watch can be faster than the answer.
	publishing atomic.Pointer[[]traffic.Slice]
	// untrusted is set when Service or slices may have been changed by somebody else.
	untrusted atomic.Bool
	// moving is a change of the active region that is stored and not published yet; nil if there is none.
	moving *move
	// own is the newest own write, for the watch to know its echo.
	own atomic.Pointer[ownWrite]
}

// known is a version of an LLMBackend that this operator knows.
type known struct {
	version
	// object is what was written or read, until the cache has the same; then nil.
	object *llmv1alpha1.LLMBackend
}

// ownWrite is a write of this operator: the resource versions of what it wrote and of what that replaced.
type ownWrite struct{ version, replaced string }

// shown is what this operator has published.
type shown struct {
	generation, seq int64
	to              destination
	slices          []traffic.Slice
}

// wrote remembers an own write of the LLMBackend.
func (e *entry) wrote(written *llmv1alpha1.LLMBackend, replaced string) {
	e.newest.Store(&known{versionOf(written), written})
	e.replaced = replaced
	e.own.Store(&ownWrite{version: written.ResourceVersion, replaced: replaced})
}

// seen drops the copy of the newest version when the cache has that.
func (e *entry) seen(resourceVersion string) {
	if newest := e.newest.Load(); newest != nil && newest.object != nil && newest.resource == resourceVersion {
		e.newest.CompareAndSwap(newest, &known{version: newest.version})
	}
}

// isEcho says whether the watch has brought the operator's own newest write.
func (e *entry) isEcho(resourceVersion string) bool {
	own := e.own.Load()
	return own != nil && own.version == resourceVersion
}

// hasReplaced says whether the operator's own newest write was made over that version.
func (e *entry) hasReplaced(resourceVersion string) bool {
	own := e.own.Load()
	return own != nil && own.replaced == resourceVersion
}

// current returns the newest version of an LLMBackend: the cached one, or the own last write that the cache
// has not seen yet. When it cannot tell it reads past the cache. A version that is older than an own write,
// and yet the newest there is, comes from a restored backup: the decision notices and starts from it.
func (e *entry) current(ctx context.Context, live client.Reader, cached *llmv1alpha1.LLMBackend) (*llmv1alpha1.LLMBackend, error) {
	if e.unsettled != nil || e.doubted.Load() {
		return e.read(ctx, live, cached)
	}
	e.newest.CompareAndSwap(nil, &known{version: versionOf(cached)})
	newest := e.newest.Load()
	if cached.ResourceVersion == newest.resource {
		e.seen(cached.ResourceVersion) // the watch can be faster than the answer to the write
		return cached, nil
	}
	if cached.ResourceVersion == e.replaced && newest.object != nil {
		return newest.object, nil
	}
	if order, err := resourceversion.CompareResourceVersion(cached.ResourceVersion, newest.resource); err == nil && order > 0 {
		e.forgetUndone(cached)
		return cached, nil
	}
	return e.read(ctx, live, cached)
}

// read reads past the cache. Another LLMBackend of the same name is not found: it gets an entry of its own.
func (e *entry) read(ctx context.Context, live client.Reader, of *llmv1alpha1.LLMBackend) (*llmv1alpha1.LLMBackend, error) {
	fresh := &llmv1alpha1.LLMBackend{}
	if err := live.Get(ctx, client.ObjectKeyFromObject(of), fresh); err != nil {
		return nil, fmt.Errorf("read LLMBackend past the cache: %w", err)
	}
	if fresh.UID != of.UID {
		return nil, notFound(client.ObjectKeyFromObject(of))
	}
	e.forgetUndone(fresh)
	e.newest.Store(&known{versionOf(fresh), fresh})
	e.replaced = of.ResourceVersion
	e.doubted.Store(false)
	return fresh, nil
}

// shownIn says whether these slices hold all that this operator published last, just as it did.
func (e *entry) shownIn(existing []discoveryv1.EndpointSlice) bool {
	last := e.shown.Load()
	return last != nil && holdAll(existing, last.slices)
}

// holdAll says whether each of the wanted slices exists just as it is wanted.
func holdAll(existing []discoveryv1.EndpointSlice, wanted []traffic.Slice) bool {
	return !slices.ContainsFunc(wanted, func(s traffic.Slice) bool {
		return !slices.ContainsFunc(existing, func(o discoveryv1.EndpointSlice) bool {
			return o.Name == s.Name && traffic.Compare(&o, s) == traffic.Current
		})
	})
}

// publishedJust says whether the slice is just as this operator published it last, or is publishing it.
func (e *entry) publishedJust(slice *discoveryv1.EndpointSlice) bool {
	if last := e.shown.Load(); last != nil && among(last.slices, slice) {
		return true
	}
	now := e.publishing.Load()
	return now != nil && among(*now, slice)
}

// among says whether the slice is just as one of those that are wanted.
func among(wanted []traffic.Slice, slice *discoveryv1.EndpointSlice) bool {
	i := slices.IndexFunc(wanted, func(s traffic.Slice) bool { return s.Name == slice.Name })
	return i >= 0 && traffic.Compare(slice, wanted[i]) == traffic.Current
}
