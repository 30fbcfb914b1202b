// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"slices"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/signals/prometheus"
)

// Signal returns what a Prometheus server is to be asked about b; nil if nothing.
func Signal(b *llmv1alpha1.LLMBackend) *prometheus.Signal {
	p := b.Spec.Signals.Prometheus
	if p.Server == "" {
		return nil
	}
	window := p.Window.AsDuration()
	s := &prometheus.Signal{
		Server: p.Server, Window: window, Period: p.Period.AsDuration(),
		MinCalls: int(p.MinCalls), FailurePercent: int(p.FailurePercent),
	}
	queries := prometheus.Queries{Bad: p.Bad, Total: p.Total}
	if preset, ok := prometheus.Preset(string(p.Preset)); ok {
		queries = preset
	}
	for _, r := range Regions(b) {
		selector := selectorOf(p.Selectors, r.Name)
		s.Regions = append(s.Regions, prometheus.Region{
			Name:       r.Name,
			Bad:        prometheus.Expand(queries.Bad, selector, window),
			Total:      prometheus.Expand(queries.Total, selector, window),
			ErrorRatio: prometheus.Expand(p.ErrorRatio, selector, window),
		})
	}
	return s
}

// selectorOf returns the label matchers of a region's series.
func selectorOf(selectors []llmv1alpha1.RegionSelector, region string) string {
	i := slices.IndexFunc(selectors, func(s llmv1alpha1.RegionSelector) bool { return s.Region == region })
	if i < 0 {
		return fmt.Sprintf("region=%q", region)
	}
	return selectors[i].Matchers
}
