// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package translate turns an LLMBackend into what the decision and the prober understand, and a decision's
// record into a status and back. It is pure: the operator and the simulation of it rest on the same words.
package translate

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/probe"
)

// Input returns what the decision is to know of b, and for each region, by name, what its probes ask. families
// are those that the Service has; none if that is not known. Targets of regions that are Services lack their
// addresses, which only a cluster knows. now is the time on whose clock a pause ends.
// It fails only on an endpoint that the schema would have refused.
func Input(b *llmv1alpha1.LLMBackend, families []probe.Family, now time.Time) (failover.Input, map[string]probe.Target, error) {
	in := failover.Input{
		UID:        string(b.UID),
		Generation: b.Generation,
		Orders:     ordersOf(b.Annotations, now),
		Record:     Record(&b.Status),
		Config: failover.Config{
			Mode:           modeOf(b.Spec.Failover.Mode),
			MinDuration:    b.Spec.Failover.MinDuration.AsDuration(),
			MaxMinDuration: b.Spec.Failover.MaxMinDuration.AsDuration(),
			MaxPerHour:     int(b.Spec.Failover.MaxPerHour),
			ManualFailback: b.Spec.Failover.Failback == llmv1alpha1.FailbackManual,
			SuspectPeriod:  b.Spec.Probe.SuspectPeriod.AsDuration(),
		},
	}
	targets := map[string]probe.Target{}
	for _, r := range Regions(b) {
		p, preset := effective(b, r)
		target, err := targetOf(b, r, families)
		if err != nil {
			return failover.Input{}, nil, fmt.Errorf("region %s: %w", r.Name, err)
		}
		ask(&target, b, p, preset)
		ladder := Ladder(b, r)
		in.Config.Regions = append(in.Config.Regions, failover.RegionConfig{
			Name:     r.Name,
			Identity: identityOf(b, r, target) + questionOf(target, CredentialsOf(b, r), ladder),
			Breaker: failover.BreakerConfig{
				FailureThreshold:    int(b.Spec.Breaker.FailureThreshold),
				SuccessThreshold:    int(p.SuccessThreshold),
				OpenDuration:        b.Spec.Breaker.OpenDuration.AsDuration(),
				RetryAfterThreshold: b.Spec.Breaker.RetryAfterThreshold.AsDuration(),
				SlowThreshold:       b.Spec.Breaker.SlowThreshold.AsDuration(),
				SlowPercent:         int(b.Spec.Breaker.SlowPercent),
				Adaptive:            adaptiveOf(b.Spec.Breaker),
			},
			Probe: failover.ProbeConfig{
				Ladder:        len(ladder) > 0,
				OnDemand:      p.Mode == llmv1alpha1.ProbeOnDemand,
				Period:        p.Period.AsDuration(),
				SuspectPeriod: p.SuspectPeriod.AsDuration(),
				FirstAfter:    spread(in.UID+"/"+r.Name, p.Period.AsDuration()),
			},
		})
		targets[r.Name] = target
	}
	return in, targets, nil
}

// Regions returns the regions in order of preference.
func Regions(b *llmv1alpha1.LLMBackend) []llmv1alpha1.Region {
	return append([]llmv1alpha1.Region{b.Spec.Primary}, b.Spec.Secondaries...)
}

func modeOf(m llmv1alpha1.FailoverMode) failover.Mode {
	switch m {
	case llmv1alpha1.FailoverObserve:
		return failover.Observe
	case llmv1alpha1.FailoverDisabled:
		return failover.Disabled
	default:
		return failover.Automatic
	}
}

// overridden returns the probe of a region: its own fields where it has them, else the general ones.
func overridden(p llmv1alpha1.ProbeSpec, o *llmv1alpha1.ProbeOverride) llmv1alpha1.ProbeSpec {
	if o == nil {
		return p
	}
	p.Type = or(o.Type, p.Type)
	if o.HTTP != nil {
		p.HTTP.Path = or(o.HTTP.Path, p.HTTP.Path)
		p.HTTP.Expect = cmp.Or(o.HTTP.Expect, p.HTTP.Expect)
	}
	p.GRPC = or(o.GRPC, p.GRPC)
	p.Authorization = cmp.Or(o.Authorization, p.Authorization)
	p.TLS = cmp.Or(o.TLS, p.TLS)
	p.Ladder = or(o.Ladder, p.Ladder)
	p.Budget.MaxCompletionsPerHour = cmp.Or(o.Budget.MaxCompletionsPerHour, p.Budget.MaxCompletionsPerHour)
	p.Budget.MaxTokensPerDay = cmp.Or(o.Budget.MaxTokensPerDay, p.Budget.MaxTokensPerDay)
	p.Mode = or(o.Mode, p.Mode)
	p.Period = or(o.Period, p.Period)
	p.SuspectPeriod = or(o.SuspectPeriod, p.SuspectPeriod)
	p.Timeout = or(o.Timeout, p.Timeout)
	p.SuccessThreshold = or(o.SuccessThreshold, p.SuccessThreshold)
	return p
}

func or[T any](override *T, general T) T {
	if override != nil {
		return *override
	}
	return general
}

// ServiceName returns the name of the Service that b publishes: its own unless the spec says otherwise.
func ServiceName(b *llmv1alpha1.LLMBackend) string {
	if b.Spec.Service.Name != "" {
		return b.Spec.Service.Name
	}
	return b.Name
}

func hostnameOf(b *llmv1alpha1.LLMBackend) string {
	if b.Spec.Service.Hostname != "" {
		return b.Spec.Service.Hostname
	}
	return ServiceName(b) + "." + b.Namespace + ".svc"
}

// spread returns a delay below period that is always the same for the same name, and differs between
// names: so the first probes of many backends do not come all at once, after a restart either.
func spread(name string, period time.Duration) time.Duration {
	if period <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return time.Duration(h.Sum64() % uint64(period))
}

// ordersOf reads what people ask for by annotation.
func ordersOf(annotations map[string]string, now time.Time) failover.Orders {
	orders := failover.Orders{
		Reset:    token(annotations[llmv1alpha1.ResetAnnotation]),
		Switch:   token(annotations[llmv1alpha1.SwitchRequestedAtAnnotation]),
		SwitchTo: annotations[llmv1alpha1.SwitchToAnnotation],
	}
	p := ParsePause(annotations[llmv1alpha1.PausedAnnotation])
	orders.Paused = p.Wanted
	if !p.Until.IsZero() {
		orders.PausedUntil = now.Add(p.Until.Sub(now)) // on the clock of now, which no one can turn back
	}
	return orders
}

// Pause is what the pause annotation says: whether one is wanted, and when it ends if it says so.
type Pause struct {
	Wanted     bool
	Until      time.Time
	Unreadable bool
}

// ParsePause reads the value of the pause annotation. A value that cannot be read pauses: somebody wanted
// traffic to stay where it is.
func ParsePause(value string) Pause {
	switch value {
	case "", "false":
		return Pause{}
	case "true":
		return Pause{Wanted: true}
	}
	until, err := time.Parse(time.RFC3339, value)
	return Pause{Wanted: true, Until: until, Unreadable: err != nil}
}

// maxToken is the longest token that status keeps as it is, in bytes.
const maxToken = 128

// token returns what status keeps of the value of an order's annotation: a longer one as its SHA-256.
func token(value string) string {
	if len(value) <= maxToken {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return "sha256:" + hex.EncodeToString(sum[:])
}
