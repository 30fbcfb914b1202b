// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package translate

import (
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

// WriteLimits shows in a status what adaptive breakers go by. limits are as regions.
func WriteLimits(s *llmv1alpha1.LLMBackendStatus, regions []failover.RegionConfig, limits []failover.Limits) {
	of := map[string]failover.Limits{}
	for i, l := range limits {
		of[regions[i].Name] = l
	}
	for i := range s.Regions {
		setLimits(&s.Regions[i].Breaker, of[s.Regions[i].Name])
	}
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
	shown := map[string]llmv1alpha1.BreakerStatus{}
	for _, r := range before {
		shown[r.Name] = r.Breaker
	}
	for i := range regions {
		b := &regions[i].Breaker
		b.EffectiveFailureThreshold = shown[regions[i].Name].EffectiveFailureThreshold
		b.EffectiveOpenDuration = shown[regions[i].Name].EffectiveOpenDuration
	}
}

// MaxFailureThreshold returns the most failures in a row that an adaptive breaker may need to open; 0 in mode Fixed.
func MaxFailureThreshold(b *llmv1alpha1.LLMBackend) int {
	if a := adaptiveOf(b.Spec.Breaker); a != nil {
		return a.MaxFailureThreshold
	}
	return 0
}
