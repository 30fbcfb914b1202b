// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package invariant

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// FromBackend returns what an LLMBackend, as the API server stores it, says. Endpoints that are addresses are
// the addresses of their regions; whoever knows those of names adds them.
func FromBackend(b *llmv1alpha1.LLMBackend) (Spec, OrderSet, Record) {
	return specOf(b), ordersOf(b.Annotations), recordOf(b)
}

func specOf(b *llmv1alpha1.LLMBackend) Spec {
	s := Spec{
		Generation:     b.Generation,
		Mode:           Mode(b.Spec.Failover.Mode),
		MinDuration:    b.Spec.Failover.MinDuration.AsDuration(),
		MaxMinDuration: b.Spec.Failover.MaxMinDuration.AsDuration(),
		MaxPerHour:     int(b.Spec.Failover.MaxPerHour),
		ManualFailback: b.Spec.Failover.Failback == llmv1alpha1.FailbackManual,
	}
	for _, r := range append([]llmv1alpha1.Region{b.Spec.Primary}, b.Spec.Secondaries...) {
		s.Regions = append(s.Regions, regionOf(b, r))
	}
	return s
}

func regionOf(b *llmv1alpha1.LLMBackend, r llmv1alpha1.Region) Region {
	p := b.Spec.Probe
	kind, path, period, timeout := p.Type, p.HTTP.Path, p.Period, p.Timeout
	if o := r.Probe; o != nil {
		override(&kind, o.Type)
		override(&period, o.Period)
		override(&timeout, o.Timeout)
		if o.HTTP != nil {
			override(&path, o.HTTP.Path)
		}
	}
	endpoint, _ := json.Marshal(r.Endpoint) // it has only fields that can be marshalled
	region := Region{
		Name:                r.Name,
		Identity:            fmt.Sprintf("%s %s %s as %s:%d", kind, endpoint, path, b.Spec.Service.Hostname, b.Spec.Service.Port),
		Period:              period.AsDuration(),
		Timeout:             timeout.AsDuration(),
		FailureThreshold:    int(b.Spec.Breaker.FailureThreshold),
		RetryAfterThreshold: b.Spec.Breaker.RetryAfterThreshold.AsDuration(),
	}
	if b.Spec.Breaker.Mode == llmv1alpha1.BreakerAdaptive {
		region.FailureThreshold = 1
		if a := b.Spec.Breaker.Adaptive; a != nil {
			region.FailureThreshold = int(a.MinFailureThreshold)
		}
	}
	if u, err := url.Parse(r.Endpoint.URL); err == nil {
		if a, err := netip.ParseAddr(u.Hostname()); err == nil {
			region.Addresses = []netip.Addr{a}
		}
	}
	return region
}

func override[T any](field *T, by *T) {
	if by != nil {
		*field = *by
	}
}

func ordersOf(annotations map[string]string) OrderSet {
	o := OrderSet{
		Reset:    token(annotations[llmv1alpha1.ResetAnnotation]),
		Switch:   token(annotations[llmv1alpha1.SwitchRequestedAtAnnotation]),
		SwitchTo: annotations[llmv1alpha1.SwitchToAnnotation],
	}
	pause := annotations[llmv1alpha1.PausedAnnotation]
	o.Paused = pause != "" && pause != "false"
	if until, err := time.Parse(time.RFC3339, pause); err == nil {
		o.PausedUntil = until
	}
	return o
}

// token returns what the status keeps of a token: one of more than 128 bytes as its SHA-256.
func token(value string) string {
	if len(value) <= 128 {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func recordOf(b *llmv1alpha1.LLMBackend) Record {
	s := b.Status
	r := Record{
		UID:           string(b.UID),
		ActiveRegion:  s.ActiveRegion,
		TransitionSeq: s.TransitionSeq,
		ActiveSeq:     s.ActiveSeq,
		ActiveSince:   timeOf(s.ActiveSince),
		PublishedSeq:  s.PublishedSeq,

		ObservedGeneration: s.ObservedGeneration,

		Pinned:        s.PinnedRegion != "",
		HandledReset:  s.LastHandledReset,
		HandledSwitch: s.LastHandledSwitch,
	}
	for _, region := range s.Regions {
		r.Breakers = append(r.Breakers, Breaker{
			Region: region.Name,
			Open:   region.Breaker.State == llmv1alpha1.BreakerOpen,
			Since:  timeOf(region.Breaker.Since),
		})
	}
	for _, t := range s.History {
		r.History = append(r.History, Transition{
			Seq: t.Seq, Time: t.Time.Time, Type: TransitionType(t.Type), Region: t.Region, From: t.From, To: t.To, Reason: t.Reason,
		})
	}
	return r
}

func timeOf(t *metav1.MicroTime) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}
