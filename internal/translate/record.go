// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
)

// Record reads the durable part of a decision from a status.
func Record(s *llmv1alpha1.LLMBackendStatus) failover.Record {
	rec := failover.Record{
		ActiveRegion:  s.ActiveRegion,
		TransitionSeq: s.TransitionSeq,
		ActiveSeq:     s.ActiveSeq,
		ActiveSince:   timeOf(s.ActiveSince),
		Pinned:        s.PinnedRegion != "",
		HandledReset:  s.LastHandledReset,
		HandledSwitch: s.LastHandledSwitch,
		SwitchResult:  failover.SwitchResult(s.LastSwitchResult),
	}
	for _, r := range s.Regions {
		region := failover.RegionRecord{
			Name:      r.Name,
			Open:      r.Breaker.State == llmv1alpha1.BreakerOpen,
			Since:     timeOf(r.Breaker.Since),
			OpenUntil: timeOf(r.Breaker.OpenUntil),
			HeldUntil: timeOf(r.Breaker.RetryAfterUntil),
			Reason:    r.Breaker.Reason,
		}
		if r.Breaker.OpenedBy == llmv1alpha1.OpenedByTraffic {
			region.OpenedBy = failover.ByTraffic
		}
		rec.Regions = append(rec.Regions, region)
	}
	for _, t := range s.History {
		rec.History = append(rec.History, failover.Transition{
			Seq: t.Seq, Time: t.Time.UTC(), Type: failover.TransitionType(t.Type),
			Region: t.Region, From: t.From, To: t.To, Reason: t.Reason, Message: t.Message,
		})
	}
	return rec
}

// WriteRecord writes the durable part of a decision into a status.
func WriteRecord(s *llmv1alpha1.LLMBackendStatus, rec failover.Record) {
	s.ActiveRegion = rec.ActiveRegion
	s.TransitionSeq = rec.TransitionSeq
	s.ActiveSeq = rec.ActiveSeq
	s.ActiveSince = microTime(rec.ActiveSince)
	s.PinnedRegion = ""
	if rec.Pinned {
		s.PinnedRegion = rec.ActiveRegion
	}
	s.LastHandledReset = rec.HandledReset
	s.LastHandledSwitch = rec.HandledSwitch
	s.LastSwitchResult = llmv1alpha1.SwitchResult(rec.SwitchResult)

	before := s.Regions
	s.Regions = nil
	for _, r := range rec.Regions {
		breaker := llmv1alpha1.BreakerStatus{
			State: llmv1alpha1.BreakerClosed, Since: microTime(r.Since), Reason: r.Reason,
		}
		if r.Open {
			breaker.State = llmv1alpha1.BreakerOpen
			breaker.OpenUntil = microTime(r.OpenUntil)
			breaker.RetryAfterUntil = microTime(r.HeldUntil)
			breaker.OpenedBy = llmv1alpha1.OpenedBy(r.OpenedBy.String())
		}
		s.Regions = append(s.Regions, llmv1alpha1.RegionStatus{Name: r.Name, Breaker: breaker})
	}
	keepLimits(s.Regions, before)
	keepSpend(s.Regions, before)
	s.History = nil
	for _, t := range rec.History {
		s.History = append(s.History, llmv1alpha1.Transition{
			Seq: t.Seq, Time: metav1.NewMicroTime(t.Time), Type: llmv1alpha1.TransitionType(t.Type),
			Region: t.Region, From: t.From, To: t.To, Reason: t.Reason, Message: cut(t.Message),
		})
	}
}

// maxMessage is the longest message of a transition that the schema takes, in bytes.
const maxMessage = 256

// cut shortens what the names of regions could make too long for the schema.
func cut(message string) string {
	return message[:min(len(message), maxMessage)]
}

func timeOf(t *metav1.MicroTime) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func microTime(t time.Time) *metav1.MicroTime {
	if t.IsZero() {
		return nil
	}
	m := metav1.NewMicroTime(t)
	return &m
}
