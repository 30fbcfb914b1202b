// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// Picture is one LLMBackend at a time. Its JSON is part of the interface of the plugin.
type Picture struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`

	// ActiveRegion is where traffic goes; empty before the first decision. ActiveSeq is the number of the decision
	// that sent it there.
	ActiveRegion   string    `json:"activeRegion,omitempty"`
	ActiveEndpoint string    `json:"activeEndpoint,omitempty"`
	ActiveSince    time.Time `json:"activeSince,omitzero"`
	ActiveSeq      int64     `json:"activeSeq"`
	// Published: the EndpointSlices show that decision.
	Published     bool   `json:"published"`
	PrimaryRegion string `json:"primaryRegion"`
	PinnedRegion  string `json:"pinnedRegion,omitempty"`

	Mode          llmv1alpha1.FailoverMode `json:"mode"`
	Paused        bool                     `json:"paused"`
	PausedUntil   time.Time                `json:"pausedUntil,omitzero"`
	TransitionSeq int64                    `json:"transitionSeq"`

	Ready Condition `json:"ready"`
	// Why traffic is where it is, oldest cause first.
	Why []Cause `json:"why"`
	// Regions are in order of preference; an active one that left the spec comes last.
	Regions []Region `json:"regions"`
	// Next is what happens next: what is under way, then by time, then what depends on something else.
	Next []Step `json:"next"`
	// Attention are the conditions that say that something is not as it should be, except Ready.
	Attention []Condition `json:"attention"`
}

// Condition is a condition without its times.
type Condition struct {
	Type    string                 `json:"type"`
	Status  metav1.ConditionStatus `json:"status"`
	Reason  string                 `json:"reason"`
	Message string                 `json:"message"`
}

// Role is what a region is in the spec.
type Role string

// The roles.
const (
	Primary   Role = "Primary"
	Secondary Role = "Secondary"
	Removed   Role = "Removed"
)

// Region is one region of a picture.
type Region struct {
	Name     string `json:"name"`
	Role     Role   `json:"role"`
	Endpoint string `json:"endpoint,omitempty"`
	Active   bool   `json:"active"`
	// Breaker is empty while the operator has not spoken of the region.
	Breaker  llmv1alpha1.BreakerState `json:"breaker,omitempty"`
	Since    time.Time                `json:"since,omitzero"`
	Reason   string                   `json:"reason,omitempty"`
	OpenedBy llmv1alpha1.OpenedBy     `json:"openedBy,omitempty"`
	// TriedAt is when an open breaker is tried next; in the past while it is being tried.
	TriedAt time.Time `json:"triedAt,omitzero"`
	// HeldUntil is the end of the time for which the region asked to be left alone.
	HeldUntil time.Time `json:"heldUntil,omitzero"`
	// Unfit: its endpoint may not be used, as the condition Stalled says.
	Unfit bool `json:"unfit,omitempty"`
}

// Describe returns the picture of b at a time. It fails only on an endpoint that the schema would have refused.
func Describe(b *llmv1alpha1.LLMBackend, at time.Time) (*Picture, error) {
	f, err := read(b, at)
	if err != nil {
		return nil, err
	}
	s := &b.Status
	p := &Picture{
		Namespace: b.Namespace, Name: b.Name,
		ActiveRegion: s.ActiveRegion, ActiveEndpoint: s.ActiveEndpoint, ActiveSince: f.record.ActiveSince, ActiveSeq: s.ActiveSeq,
		Published:     s.PublishedSeq != nil && *s.PublishedSeq == s.ActiveSeq,
		PrimaryRegion: b.Spec.Primary.Name, PinnedRegion: s.PinnedRegion,
		Mode: cmp.Or(b.Spec.Failover.Mode, llmv1alpha1.FailoverAutomatic), Paused: f.paused(), TransitionSeq: s.TransitionSeq,
		Ready: ready(s), Why: f.why(), Regions: f.described(), Next: f.next(), Attention: attention(s),
	}
	if p.Paused && !f.orders.PausedUntil.IsZero() {
		p.PausedUntil = f.orders.PausedUntil.UTC()
	}
	return p, nil
}

func (f *facts) described() []Region {
	var regions []Region
	for i, spec := range translate.Regions(f.backend) {
		r := Region{Name: spec.Name, Role: Secondary, Endpoint: translate.EndpointName(f.backend, spec.Endpoint), Unfit: f.regions[i].unfit}
		if i == 0 {
			r.Role = Primary
		}
		regions = append(regions, f.withStatus(r))
	}
	if f.initialised() && f.active < 0 {
		regions = append(regions, f.withStatus(Region{Name: f.current(), Role: Removed}))
	}
	return regions
}

func (f *facts) withStatus(r Region) Region {
	r.Active = r.Name == f.record.ActiveRegion
	status := f.backend.Status.Regions
	i := slices.IndexFunc(status, func(s llmv1alpha1.RegionStatus) bool { return s.Name == r.Name })
	if i < 0 {
		return r
	}
	b := status[i].Breaker
	j := slices.IndexFunc(f.record.Regions, func(s failover.RegionRecord) bool { return s.Name == r.Name })
	r.Breaker, r.Reason, r.OpenedBy, r.Since = b.State, b.Reason, b.OpenedBy, f.record.Regions[j].Since
	if r.Breaker == llmv1alpha1.BreakerOpen {
		r.TriedAt = f.record.Regions[j].OpenUntil
		if held := f.record.Regions[j].HeldUntil; held.After(f.now) {
			r.HeldUntil = held
		}
	}
	return r
}

func ready(s *llmv1alpha1.LLMBackendStatus) Condition {
	c := meta.FindStatusCondition(s.Conditions, llmv1alpha1.ConditionReady)
	if c == nil {
		return Condition{Type: llmv1alpha1.ConditionReady, Status: metav1.ConditionUnknown, Reason: "NotReported",
			Message: "the operator has not reported yet: see whether it runs"}
	}
	return Condition{c.Type, c.Status, c.Reason, c.Message}
}

// attention returns Published where it is not True, and every other condition that is True: those that are there
// only while they are True speak of something to know. FailedOver is told by the picture as it is.
func attention(s *llmv1alpha1.LLMBackendStatus) []Condition {
	found := []Condition{}
	for _, c := range s.Conditions {
		good := metav1.ConditionFalse
		switch c.Type {
		case llmv1alpha1.ConditionReady, llmv1alpha1.ConditionFailedOver:
			continue
		case llmv1alpha1.ConditionPublished:
			good = metav1.ConditionTrue
		}
		if c.Status != good {
			found = append(found, Condition{c.Type, c.Status, c.Reason, c.Message})
		}
	}
	return found
}
