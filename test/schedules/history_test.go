// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package schedules

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/invariant"
	"github.com/breakwater-dev/breakwater/internal/traffic"
	"github.com/breakwater-dev/breakwater/test/schedules/apiserver"
)

// event is one thing that the judge is told.
type event struct {
	at time.Time
	// rank orders what happened at the same instant: answers come before the writes that rest on them.
	rank int
	tell func()
}

// history tells a judge what happened in a world, in order.
type history struct {
	w     *world
	judge *invariant.Judge
	owned map[string]invariant.Slice // by name, as the operator wrote them last
	last  *llmv1alpha1.LLMBackend
	// record is what is stored: by the operator, or from a backup.
	record invariant.Record
}

// judge holds what has happened against the rules, and returns how they were broken. settled is when the world
// came to rest; zero if it did not.
func (w *world) judge(settled time.Time) []invariant.Violation {
	var found []invariant.Violation
	h := &history{
		w: w, owned: map[string]invariant.Slice{},
		judge: invariant.New(invariant.Options{}, func(v invariant.Violation) { found = append(found, v) }),
	}
	var events []event
	for _, at := range w.restarts {
		events = append(events, event{at, 1, func() { h.judge.Restarted(at, 0) }})
	}
	for _, at := range w.restored {
		events = append(events, event{at, 1 << 29, func() { h.restored(at) }})
	}
	for _, probe := range probesOf(w.regions.met()) {
		events = append(events, h.answers(probe)...)
	}
	for i, c := range w.server.Changes() {
		events = append(events, event{c.Time, 2 + i, func() { h.changed(c) }})
	}
	if !settled.IsZero() {
		events = append(events, event{settled, 1 << 30, func() {
			h.judge.Converged(settled)
			h.judge.AtRest()
		}})
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.rank, b.rank)) })
	for _, e := range events {
		e.tell()
	}
	return found
}

// changed tells of one committed write.
func (h *history) changed(c apiserver.Change) {
	switch {
	case c.Resource == apiserver.LLMBackends && c.After != nil:
		h.backend(c)
	case c.Resource == apiserver.LLMBackends:
		h.last = nil
	case c.Name == sliceName && (c.By == operatorName || c.By == apiserver.RestoredBy):
		h.slice(c)
	case c.Resource == apiserver.Services && c.By == operatorName:
		h.judge.Wrote(c.Time, "the Service was written")
	}
}

func (h *history) backend(c apiserver.Change) {
	b := decodeInto[llmv1alpha1.LLMBackend](c.After)
	spec, orders, record := invariant.FromBackend(b)
	for i := range spec.Regions {
		spec.Regions[i].Addresses = addressesOf(spec.Regions[i].Name, mostAddresses)
	}
	switch c.By {
	case operatorName:
		h.nameless(b)
		h.record = record
		h.judge.Stored(invariant.Write{Record: record, At: c.Time})
	default:
		h.judge.Spec(c.Time, spec)
		h.judge.Orders(c.Time, orders)
	}
	h.last = b
}

// restored tells what a restored backup has left.
func (h *history) restored(at time.Time) {
	var record invariant.Record
	if h.last != nil {
		_, _, record = invariant.FromBackend(h.last)
	}
	record.ObservedGeneration = h.record.ObservedGeneration
	if reflect.DeepEqual(record, h.record) { // whoever knew that goes on knowing what came with it
		return
	}
	h.record = record
	h.judge.Restored(at, record)
	for _, s := range h.owned {
		if s.UID != record.UID || s.Seq != record.ActiveSeq {
			return // the decision was not published yet when the backup was taken
		}
	}
	if record.ActiveRegion != "" {
		h.published(at)
	}
}

// nameless tells of probes that nobody saw: of a region whose name is known to have no address, they fail at once.
func (h *history) nameless(b *llmv1alpha1.LLMBackend) {
	for _, r := range b.Status.Regions {
		if r.Breaker.State != llmv1alpha1.BreakerOpen || r.Breaker.Since == nil || r.Breaker.Reason != string("NameNotFound") {
			continue
		}
		at := r.Breaker.Since.Time
		for _, rec := range h.w.regions.met() {
			if rec.region == r.Name && rec.noName && !rec.finished.After(at) && at.Sub(rec.finished) < 2*second {
				for range b.Spec.Breaker.FailureThreshold {
					h.judge.Answered(invariant.Answer{Region: r.Name, Started: at, Finished: at, Class: invariant.Failure})
				}
				break
			}
		}
	}
}

// slice tells what the slices show after a write of the operator.
func (h *history) slice(c apiserver.Change) {
	delete(h.owned, c.Name)
	if c.After != nil {
		s := decodeInto[discoveryv1.EndpointSlice](c.After)
		uid, seq, err := traffic.ParseTransitionSeq(s.Annotations[traffic.TransitionSeqAnnotation])
		if err != nil { // a backup of what somebody had edited
			return
		}
		shown := invariant.Slice{UID: string(uid), Seq: seq, Family: string(s.AddressType)}
		for _, text := range addressesIn(s) {
			if text == foreignAddress && (c.By == apiserver.RestoredBy || !h.confirmed(c.Time) || h.onTheWay(c)) {
				continue
			}
			shown.Addresses = append(shown.Addresses, netip.MustParseAddr(text))
		}
		h.owned[c.Name] = shown
	}
	if c.By == operatorName {
		h.published(c.Time)
	}
}

// soon is the time in which an operator that has heard of a region's addresses publishes them, unless requests are
// slower.
const soon = 20 * second

// confirmed says whether the operator has had the time to replace a foreign address. One that has just started cannot
// tell it from what the one before has published: not until the active region has answered.
func (h *history) confirmed(at time.Time) bool {
	var started time.Time
	for _, restart := range h.w.restarts {
		if !restart.After(at) {
			started = restart
		}
	}
	return slices.ContainsFunc(h.w.regions.met(), func(rec record) bool {
		return rec.region == h.record.ActiveRegion && rec.started.After(started) && rec.finished.Before(at.Add(-soon)) &&
			answerOf(rec).Class == invariant.Success
	})
}

// onTheWay says whether a write that leaves a foreign address where it is, as one of the owner references alone, is
// followed by one that replaces it.
func (h *history) onTheWay(c apiserver.Change) bool {
	holds := func(o map[string]any) bool {
		return o != nil && slices.Contains(addressesIn(decodeInto[discoveryv1.EndpointSlice](o)), foreignAddress)
	}
	return holds(c.Before) && slices.ContainsFunc(h.w.server.Changes(), func(next apiserver.Change) bool {
		return next.Name == c.Name && next.By == operatorName && next.Time.After(c.Time) && next.Time.Before(c.Time.Add(soon)) &&
			!holds(next.After)
	})
}

func (h *history) published(at time.Time) {
	var all []invariant.Slice
	for _, s := range h.owned {
		all = append(all, s)
	}
	if len(all) > 0 && !slices.ContainsFunc(all, func(s invariant.Slice) bool { return len(s.Addresses) == 0 }) {
		h.judge.Published(at, all)
	}
}

func addressesIn(s *discoveryv1.EndpointSlice) []string {
	var addresses []string
	for _, e := range s.Endpoints {
		addresses = append(addresses, e.Addresses...)
	}
	return addresses
}

func decodeInto[T any](o map[string]any) *T {
	data, err := json.Marshal(o)
	if err != nil {
		panic(err) // it was JSON before
	}
	into := new(T)
	if err := json.Unmarshal(data, into); err != nil {
		panic(err) // a client has encoded it
	}
	return into
}

// transcript returns what happened, line by line. Of the probes it has those that met something else than the one
// before in that region, or all of them.
func (w *world) transcript(all bool) []string {
	lines := slices.Clone(w.lines)
	met := map[string]string{}
	for _, rec := range w.regions.met() {
		saw := rec.behaviour.name
		switch {
		case rec.noName:
			saw = "has no address"
		case rec.timedOut:
			saw += ", in vain"
		}
		if place := rec.region + " " + rec.addr.String(); all || met[place] != saw {
			met[place] = saw
			lines = append(lines, line{rec.finished, fmt.Sprintf("    probe of %s at %s since %s: %s",
				rec.region, rec.addr, inSeconds(rec.started.Sub(w.began)), saw)})
		}
	}
	for _, c := range w.server.Changes() {
		if c.Resource != apiserver.Events {
			lines = append(lines, line{c.Time, "  " + describeChange(c)})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.text, b.text)) })
	var texts []string
	for _, l := range lines {
		texts = append(texts, fmt.Sprintf("%14s %s", strconv.FormatFloat(l.at.Sub(w.began).Seconds(), 'f', 9, 64), l.text))
	}
	return texts
}

func describeChange(c apiserver.Change) string {
	who := fmt.Sprintf("%s wrote %s %s, revision %d", c.By, c.Resource, c.Name, c.Revision)
	switch {
	case c.After == nil:
		return who + ": gone"
	case c.Resource == apiserver.LLMBackends:
		s := decodeInto[llmv1alpha1.LLMBackend](c.After)
		var open, told []string
		for _, r := range s.Status.Regions {
			if r.Breaker.State == llmv1alpha1.BreakerOpen {
				open = append(open, r.Name+" ("+r.Breaker.Reason+")")
			}
		}
		for _, condition := range s.Status.Conditions {
			told = append(told, condition.Type+"="+string(condition.Status)+"/"+condition.Reason)
		}
		published := "none"
		if s.Status.PublishedSeq != nil {
			published = strconv.FormatInt(*s.Status.PublishedSeq, 10)
		}
		return fmt.Sprintf("%s: generation %d/%d active %s seq %d active %d published %s open %v pinned %q handled %q %q, %s", who,
			s.Generation, s.Status.ObservedGeneration, s.Status.ActiveRegion, s.Status.TransitionSeq, s.Status.ActiveSeq, published,
			open, s.Status.PinnedRegion, s.Status.LastHandledReset, s.Status.LastHandledSwitch, strings.Join(told, " "))
	case c.Resource == apiserver.EndpointSlices:
		s := decodeInto[discoveryv1.EndpointSlice](c.After)
		return fmt.Sprintf("%s: %s %v", who, s.Annotations[traffic.TransitionSeqAnnotation], addressesIn(s))
	default:
		return who
	}
}
