// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/metrics"
	"github.com/breakwater-dev/breakwater/internal/traffic"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// persist stores the plan, together with what conditions say before anything is published.
func (r *Reconciler) persist(ctx context.Context, s *scope) error {
	next := s.stored.DeepCopy()
	translate.WriteRecord(&next.Status, s.plan.Record)
	setActiveEndpoint(next)
	s.setConditions(next, publicationBefore(&next.Status))
	if len(s.plan.Transitions) > 0 {
		log.FromContext(ctx).Info("Storing a decision", "transitions", s.plan.Transitions)
	}
	written, err := r.writeStatus(ctx, s, next)
	if apierrors.IsInvalid(err) {
		// Something in conditions or history is refused by the schema in force. The decision itself is not
		// to wait for it.
		log.FromContext(ctx).Error(err, "The API server refused the status, storing the bare decision")
		written, err = r.writeStatus(ctx, s, bareStatus(s.stored, s.plan.Record))
	}
	switch {
	case apierrors.IsInvalid(err):
		r.event(s.stored, corev1.EventTypeWarning, "StatusRefused", err.Error())
		return err
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return err
	case err != nil:
		s.entry.unsettled = &s.plan
		return err
	}
	before := s.stored
	s.stored, s.decided = written, written != before
	s.plan.Record = translate.Record(&written.Status) // as the API server has it: times rounded, messages cut
	s.entry.backend.settle(s.plan)
	r.noteDecision(s)
	traceDecision(ctx, s.plan.Transitions)
	r.recordDecision(s, before)
	return nil
}

// setActiveEndpoint says where the active region is. That of a region that has left the spec stays.
func setActiveEndpoint(b *llmv1alpha1.LLMBackend) {
	for _, r := range translate.Regions(b) {
		if r.Name == b.Status.ActiveRegion {
			b.Status.ActiveEndpoint = translate.EndpointName(b, r.Endpoint)
		}
	}
}

// bareStatus is the stored status with nothing new in it but the decision.
func bareStatus(stored *llmv1alpha1.LLMBackend, rec failover.Record) *llmv1alpha1.LLMBackend {
	next := stored.DeepCopy()
	translate.WriteRecord(&next.Status, rec)
	next.Status.History = stored.Status.DeepCopy().History
	next.Status.Conditions = stored.Status.DeepCopy().Conditions
	return next
}

// writeStatus writes the status of next if it differs from the stored one, and fails with a conflict if the
// LLMBackend is no longer the stored one. What adaptive breakers go by, and what probes have spent, is written along;
// of these only a reserve for completions that wait for it is a reason to write.
func (r *Reconciler) writeStatus(ctx context.Context, s *scope, next *llmv1alpha1.LLMBackend) (*llmv1alpha1.LLMBackend, error) {
	spend, needed := s.entry.backend.proposeSpend()
	if equality.Semantic.DeepEqual(s.stored.Status, next.Status) && !needed {
		s.entry.backend.noteConditions(s.stored.Status.Conditions)
		return s.stored, nil
	}
	ctx, span := r.span(ctx, "write status")
	defer span.End()
	translate.WriteSpend(&next.Status, spend)
	translate.WriteLimits(&next.Status, s.config.Regions, s.plan.Limits)
	patch := client.MergeFromWithOptions(s.stored, client.MergeFromWithOptimisticLock{})
	replaced := s.stored.ResourceVersion
	if err := r.Client.Status().Patch(ctx, next, patch, client.FieldOwner(traffic.FieldManager)); err != nil {
		if apierrors.IsConflict(err) {
			r.Meter.Conflict(metrics.KindLLMBackend)
		}
		return nil, fmt.Errorf("write status: %w", err)
	}
	s.entry.backend.noteConditions(next.Status.Conditions)
	next.ManagedFields = nil // they are not in the cache either, and would be kept with the newest version
	s.entry.wrote(next, replaced)
	s.entry.backend.spendStored()
	return next, nil
}

// setConditions brings the conditions of next in line with what is known.
func (s *scope) setConditions(next *llmv1alpha1.LLMBackend, p publication) {
	next.Status.ObservedGeneration = next.Generation
	view, deciding := s.entry.backend.view()
	if view.Would == "" {
		view.Would, view.WouldTo = s.plan.View.Would, s.plan.View.WouldTo
	}
	view.LimitedUntil, view.Waiting = s.plan.View.LimitedUntil, s.plan.View.Waiting // as they are when it is stored
	exhausted, _ := s.entry.backend.budgetsExhausted()
	f := facts{
		backend: next, config: s.config, view: view, deciding: deciding, publication: p,
		credentialProblems: s.entry.backend.credentialProblems(),
		signalProblems:     s.entry.backend.signalProblems(),
		exhausted:          exhausted,
	}
	setLimitEnd(f)
	setConditions(f)
}

// publicationBefore is what can be said of the publication before it is looked at: what was said last,
// except that a new decision is not published yet.
func publicationBefore(s *llmv1alpha1.LLMBackendStatus) publication {
	c := meta.FindStatusCondition(s.Conditions, llmv1alpha1.ConditionPublished)
	if c == nil {
		return publication{}
	}
	p := publication{reason: c.Reason, message: c.Message}
	if p.published() && (s.PublishedSeq == nil || *s.PublishedSeq != s.ActiveSeq) {
		return publication{}
	}
	return p
}
