// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/invariant"
	"github.com/breakwater-dev/breakwater/internal/traffic"
)

// Story is what happened beside what was stored and published.
type Story struct {
	// Answers of the regions, in any order.
	Answers []invariant.Answer
	// Restarts of the operator, in their order. None where several operators run.
	Restarts []Restart
	// Acts are the times at which people began to change something, in their
	// order.
	Acts []time.Time
	// Slack is how far the regions' times may be off what the operator saw.
	Slack time.Duration
}

// Restart is the start of a new operator after the end of another one.
type Restart struct {
	At time.Time
	// After is the newest revision that may be of the operator before.
	After int64
}

// Judge holds the revisions of the LLMBackend of that name, and of the slices
// that were written for it, against the invariants. It returns the Judge, to be
// told more, and reports violations as they come.
func Judge(name string, revisions []Revision, story Story, report func(invariant.Violation)) *invariant.Judge {
	f := &feeder{
		name: name, story: story,
		judge:  invariant.New(invariant.Options{Slack: story.Slack}, report),
		slices: map[string]*discoveryv1.EndpointSlice{},
		uids:   map[types.UID]bool{},
	}
	f.story.Answers = slices.SortedFunc(slices.Values(story.Answers), func(a, b invariant.Answer) int {
		return a.Finished.Compare(b.Finished)
	})
	for _, r := range revisions {
		f.restart(r.Number)
		f.answer(r.Seen)
		switch object := r.Object.(type) {
		case *llmv1alpha1.LLMBackend:
			f.backend(r, object)
		case *discoveryv1.EndpointSlice:
			f.slice(r, object)
		}
	}
	return f.judge
}

type feeder struct {
	name   string
	story  Story
	judge  *invariant.Judge
	stored *llmv1alpha1.LLMBackend
	uids   map[types.UID]bool // of the objects that had the name
	slices map[string]*discoveryv1.EndpointSlice
}

// restart tells of the operators that began before the revision was written.
func (f *feeder) restart(number int64) {
	for len(f.story.Restarts) > 0 && f.story.Restarts[0].After < number {
		f.judge.Restarted(f.story.Restarts[0].At, 0)
		f.story.Restarts = f.story.Restarts[1:]
	}
}

// answer tells what was answered until then.
func (f *feeder) answer(until time.Time) {
	for len(f.story.Answers) > 0 && !f.story.Answers[0].Finished.After(until) {
		f.judge.Answered(f.story.Answers[0])
		f.story.Answers = f.story.Answers[1:]
	}
}

func (f *feeder) backend(r Revision, b *llmv1alpha1.LLMBackend) {
	if b.Name != f.name {
		return
	}
	before := f.stored
	if r.Deleted {
		f.stored = nil
		return
	}
	f.stored = b
	f.uids[b.UID] = true
	created := before == nil || before.UID != b.UID
	spec, orders, record := invariant.FromBackend(b)
	if created || before.Generation != b.Generation {
		f.judge.Spec(f.acted(r.Seen), spec)
	}
	if created || !maps.Equal(before.Annotations, b.Annotations) {
		f.judge.Orders(f.acted(r.Seen), orders)
	}
	if !created && !reflect.DeepEqual(before.Status, b.Status) {
		f.judge.Stored(invariant.Write{Record: record, At: r.Seen})
	}
}

// acted returns when a person began what was seen at that time. The operator
// may have seen it before the observer has.
func (f *feeder) acted(seen time.Time) time.Time {
	at := seen
	for _, act := range f.story.Acts {
		if act.Before(seen) {
			at = act
		}
	}
	return at
}

func (f *feeder) slice(r Revision, s *discoveryv1.EndpointSlice) {
	if r.Deleted {
		delete(f.slices, s.Name)
		return
	}
	f.slices[s.Name] = s
	var shown []invariant.Slice
	for _, name := range slices.Sorted(maps.Keys(f.slices)) {
		if of := shownBy(f.slices[name]); f.uids[types.UID(of.UID)] {
			shown = append(shown, of)
		}
	}
	if uid, _, _ := traffic.ParseTransitionSeq(s.Annotations[traffic.TransitionSeqAnnotation]); f.uids[uid] {
		f.judge.Published(r.Seen, shown)
	}
}

func shownBy(s *discoveryv1.EndpointSlice) invariant.Slice {
	uid, seq, err := traffic.ParseTransitionSeq(s.Annotations[traffic.TransitionSeqAnnotation])
	if err != nil {
		return invariant.Slice{}
	}
	shown := invariant.Slice{UID: string(uid), Seq: seq, Family: string(s.AddressType)}
	for _, endpoint := range s.Endpoints {
		for _, text := range endpoint.Addresses {
			if a, err := netip.ParseAddr(text); err == nil {
				shown.Addresses = append(shown.Addresses, a)
			}
		}
	}
	return shown
}
