// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
)

// adaptiveOf returns the bounds of mode Adaptive; nil in mode Fixed.
func adaptiveOf(s llmv1alpha1.BreakerSpec) *failover.AdaptiveConfig {
	if s.Mode != llmv1alpha1.BreakerAdaptive {
		return nil
	}
	if s.Adaptive == nil {
		return new(failover.DefaultAdaptive())
	}
	return &failover.AdaptiveConfig{
		LowFailurePercent:   int(s.Adaptive.LowFailurePercent),
		HighFailurePercent:  int(s.Adaptive.HighFailurePercent),
		MinFailureThreshold: int(s.Adaptive.MinFailureThreshold),
		MaxFailureThreshold: int(s.Adaptive.MaxFailureThreshold),
		MinOpenDuration:     s.Adaptive.MinOpenDuration.AsDuration(),
		MaxOpenDuration:     s.Adaptive.MaxOpenDuration.AsDuration(),
	}
}

// WriteLimits shows in a status what adaptive breakers and regions that flap go by. limits are as regions.
func WriteLimits(s *llmv1alpha1.LLMBackendStatus, regions []failover.RegionConfig, limits []failover.Limits) {
	of := map[string]failover.Limits{}
	for i, l := range limits {
		of[regions[i].Name] = l
	}
	for i := range s.Regions {
		l := of[s.Regions[i].Name]
		setLimits(&s.Regions[i].Breaker, l)
		s.Regions[i].EffectiveMinDuration = ""
		if l.MinDuration > 0 {
			s.Regions[i].EffectiveMinDuration = durationOf(l.MinDuration)
		}
	}
}

// durationOf writes whole milliseconds as the API does, without fractions.
func durationOf(d time.Duration) llmv1alpha1.Duration {
	whole := d.Truncate(time.Second)
	if whole == 0 || whole == d {
		return llmv1alpha1.Duration(d.String())
	}
	return llmv1alpha1.Duration(fmt.Sprintf("%v%dms", whole, (d - whole).Milliseconds()))
}

func setLimits(b *llmv1alpha1.BreakerStatus, l failover.Limits) {
	b.EffectiveFailureThreshold = int32(l.FailureThreshold)
	b.EffectiveOpenDuration = ""
	if l.OpenDuration > 0 {
		b.EffectiveOpenDuration = llmv1alpha1.Duration(l.OpenDuration.String())
	}
}

// keepLimits shows in regions that are written anew what was shown of them before.
func keepLimits(regions, before []llmv1alpha1.RegionStatus) {
	shown := map[string]llmv1alpha1.RegionStatus{}
	for _, r := range before {
		shown[r.Name] = r
	}
	for i := range regions {
		b, was := &regions[i].Breaker, shown[regions[i].Name]
		b.EffectiveFailureThreshold = was.Breaker.EffectiveFailureThreshold
		b.EffectiveOpenDuration = was.Breaker.EffectiveOpenDuration
		regions[i].EffectiveMinDuration = was.EffectiveMinDuration
	}
}

// MaxFailureThreshold returns the most failures in a row that an adaptive breaker may need to open; 0 in mode Fixed.
func MaxFailureThreshold(b *llmv1alpha1.LLMBackend) int {
	if a := adaptiveOf(b.Spec.Breaker); a != nil {
		return a.MaxFailureThreshold
	}
	return 0
}
