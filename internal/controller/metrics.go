// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/metrics"
	"github.com/breakwater-dev/breakwater/internal/probe"
)

// outcomes and breakerStates say how metrics call what the decision knows.
var (
	outcomes = [...]metrics.Outcome{
		failover.Unknown: metrics.Unknown, failover.Failure: metrics.Failure, failover.RateLimited: metrics.RateLimited,
		failover.Excluded: metrics.Excluded, failover.Success: metrics.Success,
	}
	breakerStates = [...]metrics.BreakerState{
		failover.Closed: metrics.Closed, failover.Open: metrics.Open, failover.HalfOpen: metrics.HalfOpen,
	}
)

func newMeter() *metrics.Operator {
	return metrics.NewOperator(string(probe.HTTP), string(probe.GRPC), string(probe.OpenAIModels), string(probe.OpenAICompletion), string(probe.TCP))
}

func registerMetrics(with metrics.Registerer, r *Reconciler) error {
	if with == nil {
		return nil
	}
	if err := metrics.Register(with, r.Meter, metrics.NewBackends(r.backends.show)); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

// tally is what is counted of one LLMBackend beside its probes, under the lock of its backend. It goes with that.
type tally struct {
	transitions []metrics.Count
	holds       []metrics.Count
	conditions  []metrics.Condition
}

// settled counts the transitions that are stored now.
func (t *tally) settled(transitions []failover.Transition) {
	for _, tr := range transitions {
		t.transitions = metrics.Add(t.transitions, string(tr.Type), metrics.BoundedReason(tr.Reason))
	}
}

// held returns the reasons why traffic is held on a region that fails.
func (t *tally) held(into []string) []string {
	fails := slices.ContainsFunc(t.conditions, func(c metrics.Condition) bool {
		return c.Type == llmv1alpha1.ConditionReady && c.Reason == llmv1alpha1.ReasonActiveRegionFailing
	})
	for _, c := range t.conditions {
		if c.Reason == llmv1alpha1.ReasonNoHealthyRegion || fails && c.Type == llmv1alpha1.ConditionFailoverLimited {
			into = append(into, c.Reason)
		}
	}
	return into
}

// noteProbe counts a probe of the endpoint. It is called under the backend's lock.
func (b *backend) noteProbe(e *regionEndpoint, o failover.Outcome, took time.Duration) {
	outcome := outcomes[o.Class]
	e.probes.Count(outcome, took)
	if b.meter == nil {
		return
	}
	b.meter.Probed(string(e.target.Type), outcome, took)
	if outcome != metrics.Success {
		b.meter.ProbeFailed(o.Reason())
	}
}

// noteConditions keeps what the status says for the next scrape, and counts the holds that begin with it. What the
// first one says was so before.
func (b *backend) noteConditions(conditions []metav1.Condition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.tally.conditions
	if slices.EqualFunc(before, conditions, func(x metrics.Condition, y metav1.Condition) bool { return x == shortened(y) }) {
		return
	}
	heldBefore := b.tally.held(nil)
	b.tally.conditions = make([]metrics.Condition, len(conditions))
	for i, c := range conditions {
		b.tally.conditions[i] = shortened(c)
	}
	for _, reason := range b.tally.held(nil) {
		if before != nil && !slices.Contains(heldBefore, reason) {
			b.tally.holds = metrics.Add(b.tally.holds, "", metrics.BoundedReason(reason))
		}
	}
}

func shortened(c metav1.Condition) metrics.Condition {
	return metrics.Condition{Type: c.Type, Status: string(c.Status), Reason: c.Reason}
}

// show shows all running backends, one after the other.
func (r *registry) show(to func(*metrics.Backend)) {
	type running struct {
		key     types.NamespacedName
		backend *backend
	}
	r.mu.Lock()
	all := make([]running, 0, len(r.entries))
	for key, e := range r.entries {
		all = append(all, running{key, e.backend})
	}
	r.mu.Unlock()
	var shown metrics.Backend
	for _, one := range all {
		shown.Namespace, shown.Name = one.key.Namespace, one.key.Name
		one.backend.show(&shown)
		to(&shown)
	}
}

// show fills in what a scrape shows. Everything is copied, so that no scrape waits under the lock.
func (b *backend) show(into *metrics.Backend) {
	b.mu.Lock()
	defer b.mu.Unlock()
	stored := b.machine.Stored()
	into.ActiveRegion, into.ActiveSince = stored.ActiveRegion, stored.ActiveSince
	into.TransitionSeq, into.LastTransition = stored.TransitionSeq, stored.ActiveSince
	if len(stored.History) > 0 {
		into.LastTransition = stored.History[0].Time
	}
	into.Role = roleOf(stored)
	into.Holds = b.tally.held(into.Holds[:0])
	into.LimitedUntil = b.machine.View(time.Now()).LimitedUntil
	into.Regions = into.Regions[:0]
	for i := range stored.Regions {
		name := stored.Regions[i].Name
		region := metrics.Region{Name: name, Breaker: breakerStates[b.machine.BreakerState(name)], MinDuration: b.machine.Flapping(name)}
		if e, ok := b.regions[name]; ok {
			region.Probes = e.probes
		}
		if p, ok := b.purses[name]; ok {
			region.Spend = new(metrics.Spend(p.Total()))
		}
		into.Regions = append(into.Regions, region)
	}
	into.Conditions = append(into.Conditions[:0], b.tally.conditions...)
	into.Transitions = append(into.Transitions[:0], b.tally.transitions...)
	into.HoldsBegun = append(into.HoldsBegun[:0], b.tally.holds...)
}

func roleOf(r *failover.Record) string {
	switch slices.IndexFunc(r.Regions, func(region failover.RegionRecord) bool { return region.Name == r.ActiveRegion }) {
	case -1:
		return metrics.RoleRemoved
	case 0:
		return metrics.RolePrimary
	default:
		return metrics.RoleSecondary
	}
}

// move is a change of the active region on its way to the slices.
type move struct {
	outage failover.Outage
	stored time.Time
}

// noteDecision notes that a change of the active region is stored.
func (r *Reconciler) noteDecision(s *scope) {
	if !slices.ContainsFunc(s.plan.Transitions, func(t failover.Transition) bool { return t.Type.MovesRegion() }) {
		return
	}
	s.entry.moving = &move{outage: s.plan.Outage, stored: time.Now()}
	if opened := s.plan.Outage.Opened; !opened.IsZero() {
		r.Meter.Decided(time.Since(opened))
	}
}

// notePublished notes that the slices show the newest change of the active region.
func (r *Reconciler) notePublished(s *scope) {
	m := s.entry.moving
	if m == nil {
		return
	}
	s.entry.moving = nil
	r.Meter.Published(time.Since(m.stored))
	if !m.outage.FirstFailure.IsZero() {
		r.Meter.FailedOver(time.Since(m.outage.FirstFailure))
	}
}
