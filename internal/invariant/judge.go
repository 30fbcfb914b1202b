// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package invariant

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"time"
)

// Options say how exactly the Judge is told.
type Options struct {
	// Slack is how far the times that it is told may be off what the operator saw: 0 in virtual time; on a
	// real API server, the time that a watch event and a log entry of a region server may take.
	Slack time.Duration
}

// Violation is a rule that was broken.
type Violation struct {
	Rule Rule
	At   time.Time
	// Saw says what was seen.
	Saw string
}

// Error returns the violation as a sentence.
func (v Violation) Error() string {
	return fmt.Sprintf("%s: %s\nbreaks the rule: %s", v.At.UTC().Format(time.RFC3339Nano), v.Saw, v.Rule)
}

// Judge holds a history against the rules. All times are on one clock, that of the caller, and events come in
// their order; a caller that collects them from several places sorts them first. What the operator writes on
// its own clock is translated by the steps that [Judge.Restarted] is told. It is not safe for concurrent use.
type Judge struct {
	options Options
	report  func(Violation)

	spec    Spec
	orders  OrderSet
	askedAt time.Time // when the newest switch was asked for
	known   map[string]*region

	stored Record
	since  time.Time     // when the newest move was decided, as far as the operator's clock can tell
	step   time.Duration // the operator's clock is ahead of the caller's by this
	causes map[cause]int64
	failed []time.Time // when the failovers were decided that maxPerHour counts

	chosen    map[int64]string                   // the active region under each activeSeq
	uids      []string                           // of the objects so far, oldest first
	shown     map[string]Slice                   // the newest of each family
	published map[int64]bool                     // the numbers that slices have shown
	owners    map[netip.Addr]map[string]struct{} // the regions that have had an address
	resting   bool
}

// region is what the Judge knows of a region.
type region struct {
	identity  string
	validFrom time.Time // answers of older probes say nothing
	answers   []answer
	succeeded int // as many rungs of its probe have succeeded
	leftSpec  time.Time
	opening   opening
	limits    []limits // the newest last; those before may be all that the operator has read
}

// limits are from when on failures, or a Retry-After, open a breaker under one version of the spec.
type limits struct {
	generation          int64
	failureThreshold    int
	retryAfterThreshold time.Duration
}

// opening is when a breaker opened.
type opening struct {
	stored time.Time // as the record says it
	at     time.Time // on the clock of the caller
}

// answer is an Answer and what it meant when it came.
type answer struct {
	Answer

	failed, stop bool
	threshold    int
}

// cause names what a move was made for.
type cause struct {
	kind   string
	region string
	at     time.Time
}

// New returns a Judge that reports each violation when it sees it.
func New(o Options, report func(Violation)) *Judge {
	return &Judge{
		options: o, report: report,
		known: map[string]*region{}, causes: map[cause]int64{}, chosen: map[int64]string{},
		shown: map[string]Slice{}, published: map[int64]bool{}, owners: map[netip.Addr]map[string]struct{}{},
	}
}

// Spec tells that the spec is this one from now on.
func (j *Judge) Spec(at time.Time, s Spec) {
	j.resting = j.resting && reflect.DeepEqual(j.spec, s)
	for name, r := range j.known {
		if s.rank(name) < 0 && r.identity != "" {
			r.identity, r.leftSpec = "", at
		}
	}
	for _, r := range s.Regions {
		k := j.region(r.Name)
		if k.identity != r.Identity {
			k.identity, k.validFrom, k.succeeded = r.Identity, at, 0
			k.limits = nil
		}
		if s.Generation == 0 {
			k.limits = nil
		}
		k.limits = append(k.limits, limits{s.Generation, max(r.FailureThreshold, 1), r.RetryAfterThreshold})
		for _, a := range r.Addresses {
			if j.owners[a.Unmap()] == nil {
				j.owners[a.Unmap()] = map[string]struct{}{}
			}
			j.owners[a.Unmap()][r.Name] = struct{}{}
		}
	}
	j.spec = s
	j.spec.Regions = slices.Clone(s.Regions)
}

// Orders tells that the orders are these from now on.
func (j *Judge) Orders(at time.Time, o OrderSet) {
	if o == j.orders {
		return
	}
	j.resting = false
	if o.Switch != j.orders.Switch || o.SwitchTo != j.orders.SwitchTo {
		j.askedAt = at
	}
	j.orders = o
}

// Answered tells what a probe or a call was answered. It may be told before the operator is.
func (j *Judge) Answered(a Answer) {
	if a.Class != Success {
		j.resting = false
	}
	r := j.region(a.Region)
	least := r.leastLimits()
	known := answer{Answer: a, threshold: least.failureThreshold}
	switch a.Class {
	case Success:
		if !a.ByTraffic {
			r.succeeded = max(r.succeeded, a.Rung+1)
		}
		known.failed = a.Slow
	case Failure:
		known.failed = true
	case RateLimited:
		known.failed = a.RetryAfter == nil && !a.QuotaExhausted
		known.stop = a.QuotaExhausted || a.RetryAfter != nil && *a.RetryAfter > least.retryAfterThreshold
	case Excluded:
		known.failed = a.Gone && r.succeeded > a.Rung && !a.ByTraffic
	case Unknown:
	}
	r.answers = append(r.answers, known)
}

// leastLimits returns the least of those that the operator may go by.
func (r *region) leastLimits() limits {
	least := limits{failureThreshold: 1}
	for i, l := range r.limits {
		if i == 0 {
			least = l
		}
		least.failureThreshold = min(least.failureThreshold, l.failureThreshold)
		least.retryAfterThreshold = min(least.retryAfterThreshold, l.retryAfterThreshold)
	}
	return least
}

// observed tells that the operator has read the spec of that generation, or a newer one.
func (j *Judge) observed(generation int64) {
	for _, r := range j.known {
		for len(r.limits) > 1 && r.limits[1].generation <= generation {
			r.limits = r.limits[1:]
		}
	}
}

// Restarted tells that a new process has begun, which knows only what is stored, and that its clock is ahead
// of the one before by step. Where more than one process writes, it is not told.
func (j *Judge) Restarted(at time.Time, step time.Duration) {
	stood := at.Sub(j.since) + step // as the new process reads the store
	j.step += step
	j.since = at.Add(-max(stood, 0))
	for i, t := range j.failed {
		j.failed[i] = at.Add(-max(at.Sub(t)+step, 0))
	}
	j.forgetAnswers(at)
	for _, r := range j.known {
		r.succeeded = 0
	}
}

// Restored tells that the store was set to r by somebody else: a backup, or where the history begins.
// Nothing is compared with what came before.
func (j *Judge) Restored(at time.Time, r Record) {
	j.resting = false
	j.begin(r.UID)
	j.stored = r
	j.since = at.Add(-max(at.Sub(r.ActiveSince.Add(-j.step)), 0)) // a time that the clock has not reached counts as now
	j.failed = j.failedIn(at, r.History)
	for _, t := range r.History {
		if t.Type.moves() {
			j.chosen[t.Seq] = t.To
		}
	}
	j.chosen[r.ActiveSeq] = r.ActiveRegion
	if r.PublishedSeq != nil {
		j.published[*r.PublishedSeq] = true
	}
	for _, b := range r.Breakers {
		j.region(b.Region).opening = opening{stored: b.Since, at: b.Since.Add(-j.step)}
	}
	j.forgetAnswers(at)
}

// begin forgets what speaks of the object before.
func (j *Judge) begin(uid string) {
	if !slices.Contains(j.uids, uid) {
		j.uids = append(j.uids, uid)
	}
	j.stored = Record{UID: uid}
	j.failed = nil
	j.shown = map[string]Slice{}
	j.chosen, j.published, j.causes = map[int64]string{}, map[int64]bool{}, map[cause]int64{}
}

func (j *Judge) forgetAnswers(at time.Time) {
	for _, r := range j.known {
		r.validFrom = at
	}
}

func (j *Judge) region(name string) *region {
	if j.known[name] == nil {
		j.known[name] = &region{}
	}
	return j.known[name]
}

func (j *Judge) violatedf(rule Rule, at time.Time, format string, args ...any) {
	j.report(Violation{Rule: rule, At: at, Saw: fmt.Sprintf(format, args...)})
}

// valid returns the answers of the region that still counted when something was decided.
func (j *Judge) valid(r *region, decided time.Time, good func(answer) bool) bool {
	return slices.ContainsFunc(r.answers, func(a answer) bool {
		return j.counts(r, a) && !a.Finished.After(decided.Add(j.options.Slack)) && good(a)
	})
}

// counts says whether the operator may still have known of the answer. What real traffic sees counts when it
// is told, whenever the call began.
func (j *Judge) counts(r *region, a answer) bool {
	began := a.Started
	if a.ByTraffic {
		began = a.Finished
	}
	return !began.Before(r.validFrom.Add(-j.options.Slack))
}
