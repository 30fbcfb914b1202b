// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/traffic"
)

// report writes into the status what became of publishing.
func (r *Reconciler) report(ctx context.Context, s *scope, p publication) error {
	if p == (publication{}) {
		p = publicationBefore(&s.stored.Status)
	}
	next := s.stored.DeepCopy()
	if p.shows {
		next.Status.PublishedSeq = new(next.Status.ActiveSeq)
	}
	s.setConditions(next, p)
	before := s.stored
	written, err := r.writeStatus(ctx, s, next)
	if err != nil {
		return err
	}
	s.stored = written
	r.recordConditions(written, before)
	return nil
}

// recordDecision records the events of a decision that is stored now.
func (r *Reconciler) recordDecision(s *scope, before *llmv1alpha1.LLMBackend) {
	told := map[failover.TransitionType]bool{}
	for _, t := range s.plan.Transitions {
		if told[t.Type] {
			continue
		}
		told[t.Type] = true
		kind := corev1.EventTypeNormal
		if t.Type == failover.BreakerOpened || t.Type == failover.FailedOver {
			kind = corev1.EventTypeWarning
		}
		r.event(s.stored, kind, string(t.Type), messagesOf(s.plan.Transitions, t.Type))
	}
	for _, n := range s.plan.Notices {
		if !toldBefore(n, s.stored, before) {
			r.event(s.stored, kindOf(n), string(n.Type), n.Message)
		}
	}
	r.recordConditions(s.stored, before)
}

// messagesOf joins what is to be told of the transitions of one type. Of several events with one reason about one
// version of an object the recorder keeps the first message alone.
func messagesOf(transitions []failover.Transition, t failover.TransitionType) string {
	var messages []string
	for _, other := range transitions {
		if other.Type == t {
			messages = append(messages, other.Message)
		}
	}
	return strings.Join(messages, "; ")
}

func kindOf(n failover.Notice) string {
	if n.Type == failover.NoticePinned {
		return corev1.EventTypeNormal
	}
	return corev1.EventTypeWarning
}

// toldBefore says whether the notice is what mode Observe has told last, by the condition that says it too: an
// operator that has just started decides again what the one before it had decided.
func toldBefore(n failover.Notice, now, before *llmv1alpha1.LLMBackend) bool {
	if n.Type != failover.WouldFailOver && n.Type != failover.WouldFailBack {
		return false
	}
	said := meta.FindStatusCondition(now.Status.Conditions, llmv1alpha1.ConditionDegraded)
	last := meta.FindStatusCondition(before.Status.Conditions, llmv1alpha1.ConditionDegraded)
	return said != nil && last != nil && last.Reason == llmv1alpha1.ReasonWouldMove &&
		said.Reason == last.Reason && said.Message == last.Message
}

// recordWrites records what was done to slices.
func (r *Reconciler) recordWrites(s *scope, writes []traffic.Write) {
	for _, w := range writes {
		slice := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: s.stored.Namespace, Name: w.Slice}}
		r.Recorder.Eventf(s.stored, slice, corev1.EventTypeNormal, "EndpointSlice"+string(w.Action), eventAction, "%s",
			cut(fmt.Sprintf("%s: [%s] -> [%s]", w.Slice, strings.Join(w.Before, " "), strings.Join(w.After, " "))))
	}
}

// troubles are the conditions whose appearance is an event, and the status that means trouble.
var troubles = map[string]metav1.ConditionStatus{
	llmv1alpha1.ConditionReady:               metav1.ConditionFalse,
	llmv1alpha1.ConditionPublished:           metav1.ConditionFalse,
	llmv1alpha1.ConditionStalled:             metav1.ConditionTrue,
	llmv1alpha1.ConditionDegraded:            metav1.ConditionTrue,
	llmv1alpha1.ConditionProbeInconclusive:   metav1.ConditionTrue,
	llmv1alpha1.ConditionSignalsUnavailable:  metav1.ConditionTrue,
	llmv1alpha1.ConditionActiveRegionRemoved: metav1.ConditionTrue,
	llmv1alpha1.ConditionFailoverLimited:     metav1.ConditionTrue,
}

// passing are the reasons that are told by a transition's event or pass by themselves.
var passing = map[string]bool{
	llmv1alpha1.ReasonPending:             true,
	llmv1alpha1.ReasonNotPublished:        true,
	llmv1alpha1.ReasonStalled:             true,
	llmv1alpha1.ReasonActiveRegionFailing: true,
	llmv1alpha1.ReasonRegionsFailing:      true,
	llmv1alpha1.ReasonWouldMove:           true,
}

// recordConditions records an event for each trouble that is new.
func (r *Reconciler) recordConditions(now, before *llmv1alpha1.LLMBackend) {
	for _, c := range now.Status.Conditions {
		old := meta.FindStatusCondition(before.Status.Conditions, c.Type)
		same := old != nil && old.Status == c.Status && old.Reason == c.Reason
		if bad, known := troubles[c.Type]; same || !known || c.Status != bad || passing[c.Reason] {
			continue
		}
		r.event(now, corev1.EventTypeWarning, c.Reason, c.Message)
	}
}

// eventAction is the action that all events name.
const eventAction = "Failover"

func (r *Reconciler) event(about *llmv1alpha1.LLMBackend, kind, reason, message string) {
	r.Recorder.Eventf(about, nil, kind, reason, eventAction, "%s", cut(message))
}

// cut shortens what a user or a server could make too long for the API server, to a length in bytes.
func cut(s string) string {
	if len(s) <= maxConditionMessage {
		return s
	}
	return s[:maxConditionMessage]
}
