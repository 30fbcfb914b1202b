// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// wantHistory checks the whole decision log, in the form of history.
func (w *world) wantHistory(b *llmv1alpha1.LLMBackend, want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, history(b)); diff != "" {
		w.t.Errorf("history (-want +got):\n%s", diff)
	}
}

// moves returns the region changes of the decision log, oldest first: "<type> <from>-><to>".
func moves(b *llmv1alpha1.LLMBackend) []string {
	var log []string
	for _, t := range slices.Backward(b.Status.History) {
		if t.To != "" {
			log = append(log, fmt.Sprintf("%s %s->%s", t.Type, t.From, t.To))
		}
	}
	return log
}

// newest returns the newest transition of that type, or an empty one.
func newest(b *llmv1alpha1.LLMBackend, t llmv1alpha1.TransitionType) llmv1alpha1.Transition {
	i := slices.IndexFunc(b.Status.History, func(h llmv1alpha1.Transition) bool { return h.Type == t })
	if i < 0 {
		return llmv1alpha1.Transition{}
	}
	return b.Status.History[i]
}

// breakerOf returns the stored breaker of a region.
func breakerOf(b *llmv1alpha1.LLMBackend, region string) llmv1alpha1.BreakerStatus {
	for _, r := range b.Status.Regions {
		if r.Name == region {
			return r.Breaker
		}
	}
	return llmv1alpha1.BreakerStatus{}
}

func isOpen(b *llmv1alpha1.LLMBackend, region string) bool {
	return breakerOf(b, region).State == llmv1alpha1.BreakerOpen
}

// conditions returns the conditions, sorted: "<type>=<status> <reason>".
func conditions(b *llmv1alpha1.LLMBackend) []string {
	var all []string
	for _, c := range b.Status.Conditions {
		all = append(all, fmt.Sprintf("%s=%s %s", c.Type, c.Status, c.Reason))
	}
	slices.Sort(all)
	return all
}

func hasReason(b *llmv1alpha1.LLMBackend, condition, reason string) bool {
	c := meta.FindStatusCondition(b.Status.Conditions, condition)
	return c != nil && c.Reason == reason
}

// awaitReason waits until a condition has that reason.
func (w *world) awaitReason(name, condition, reason string) *llmv1alpha1.LLMBackend {
	w.t.Helper()
	return w.await(name, condition+" for the reason "+reason, func(b *llmv1alpha1.LLMBackend) bool {
		return hasReason(b, condition, reason)
	})
}

// awaitOpen waits until the breaker of a region is stored as open.
func (w *world) awaitOpen(name, region string) *llmv1alpha1.LLMBackend {
	w.t.Helper()
	return w.await(name, "open in region "+region, func(b *llmv1alpha1.LLMBackend) bool { return isOpen(b, region) })
}

// awaitClosed waits until the breaker of a region is stored as closed.
func (w *world) awaitClosed(name, region string) *llmv1alpha1.LLMBackend {
	w.t.Helper()
	return w.await(name, "closed in region "+region, func(b *llmv1alpha1.LLMBackend) bool {
		return breakerOf(b, region).State == llmv1alpha1.BreakerClosed
	})
}

// awaitTrials waits until n more trials of an open breaker have failed. Each is a status write, and each status
// write holds whatever had been decided until then.
func (w *world) awaitTrials(name, region string, n int) *llmv1alpha1.LLMBackend {
	w.t.Helper()
	b := w.get(name)
	for range n {
		before := breakerOf(b, region).OpenUntil
		b = w.await(name, "tried again in region "+region, func(b *llmv1alpha1.LLMBackend) bool {
			until := breakerOf(b, region).OpenUntil
			return until != nil && before != nil && until.After(before.Time)
		})
	}
	return b
}

// awaitProbes waits until n more probes have reached each region.
func (w *world) awaitProbes(n int, regions ...*lab.Region) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	var wanted []int
	for _, r := range regions {
		wanted = append(wanted, probes(r)+n)
	}
	for i, r := range regions {
		if err := r.WaitRequests(ctx, "/health", wanted[i]); err != nil {
			w.t.Fatal(err)
		}
	}
}

// probes returns how many probes have reached the region.
func probes(r *lab.Region) int { return r.Requests()["/health"] }

// sliceVersions returns name and resource version of every slice, those of Pods aside: whether any was written.
func (w *world) sliceVersions() []string {
	w.t.Helper()
	list := &discoveryv1.EndpointSliceList{}
	if err := w.client.List(w.ctx, list, client.InNamespace(w.ns)); err != nil {
		w.t.Fatal(err)
	}
	var versions []string
	for _, s := range list.Items {
		if ofPods(&s) {
			continue
		}
		versions = append(versions, s.Name+" "+s.ResourceVersion)
	}
	return versions
}

// events returns the events about an LLMBackend in the order of their times.
func (w *world) events(name string) []eventsv1.Event {
	w.t.Helper()
	list := &eventsv1.EventList{}
	if err := w.client.List(w.ctx, list, client.InNamespace(w.ns)); err != nil {
		w.t.Fatal(err)
	}
	about := slices.DeleteFunc(list.Items, func(e eventsv1.Event) bool { return e.Regarding.Name != name })
	slices.SortStableFunc(about, func(a, b eventsv1.Event) int { return a.EventTime.Compare(b.EventTime.Time) })
	return about
}

// countEvents returns how often an event with that reason was recorded.
func (w *world) countEvents(name, reason string) int {
	w.t.Helper()
	n := 0
	for _, e := range w.events(name) {
		switch {
		case e.Reason != reason:
		case e.Series != nil:
			n += int(e.Series.Count)
		default:
			n++
		}
	}
	return n
}

// awaitEvent waits for an event with that reason that tells of all of the things. Events are written some time after
// what they tell.
func (w *world) awaitEvent(name, reason string, things ...string) eventsv1.Event {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	watch, err := w.client.Watch(ctx, &eventsv1.EventList{}, client.InNamespace(w.ns))
	if err != nil {
		w.t.Fatal(err)
	}
	defer watch.Stop()
	for event := range watch.ResultChan() {
		e, ok := event.Object.(*eventsv1.Event)
		untold := func(thing string) bool { return !strings.Contains(e.Note, thing) }
		if ok && e.Regarding.Name == name && e.Reason == reason && !slices.ContainsFunc(things, untold) {
			return *e
		}
	}
	w.t.Fatalf("no event %s about %s that tells of %q within %s", reason, name, things, patience)
	return eventsv1.Event{}
}

// writesSince returns what the API server was asked to change in the namespace from that time on:
// "<verb> <resource>[/<subresource>] <name>".
func (w *world) writesSince(start time.Time) []string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	found, err := controlPlane.Audit(ctx, func(e lab.AuditEvent) bool {
		return e.Namespace == w.ns && e.IsWrite() && !e.Received.Before(start)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	var writes []string
	for _, e := range found {
		resource := e.Resource
		if e.Subresource != "" {
			resource += "/" + e.Subresource
		}
		writes = append(writes, fmt.Sprintf("%s %s %s", e.Verb, resource, e.Name))
	}
	return writes
}
