// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// sample is one value of a scrape. Those of the library would copy each label for each sample: of 10,000 LLMBackends
// that is most of what a scrape costs.
type sample struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair // sorted by name, and not changed any more
	value  float64
	counts bool // a counter, else a gauge

	counter dto.Counter
	gauge   dto.Gauge
}

// Desc returns what the metric is called.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write fills in what is served.
func (s *sample) Write(out *dto.Metric) error {
	out.Label = s.labels
	if s.counts {
		s.counter.Value = &s.value
		out.Counter = &s.counter
	} else {
		s.gauge.Value = &s.value
		out.Gauge = &s.gauge
	}
	return nil
}

// labelPairs holds the labels of one scrape, so that equal ones are made once.
type labelPairs map[[2]string]*dto.LabelPair

func (p labelPairs) get(name, value string) *dto.LabelPair {
	key := [2]string{name, value}
	pair, ok := p[key]
	if !ok {
		pair = newPair(name, value)
		p[key] = pair
	}
	return pair
}

func newPair(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }
