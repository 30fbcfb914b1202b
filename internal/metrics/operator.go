// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Operator counts what the operator does for all LLMBackends together. Its methods are safe for concurrent use.
type Operator struct {
	probeDuration *prometheus.HistogramVec
	// byType holds the histograms of probeDuration, so that a probe looks up no label.
	byType map[string]*[outcomes]prometheus.Observer

	probeFailures *prometheus.CounterVec
	decision      prometheus.Histogram
	publish       prometheus.Histogram
	failover      prometheus.Histogram
	conflicts     *prometheus.CounterVec
	eventsDropped prometheus.Counter
	waiting       prometheus.Gauge
}

// Where the buckets of histograms end, in seconds. A failover can be held for hours.
var (
	probeBuckets    = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	publishBuckets  = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	failoverBuckets = []float64{.1, .25, .5, 1, 2.5, 5, 10, 15, 20, 30, 45, 60, 120, 300, 900, 3600}
)

// histogram is classic, and native too for who scrapes those: about 10 % wide buckets, at most 100 of them.
func histogram(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
	}
}

// NewOperator returns an Operator for probes of the given types, and no others.
func NewOperator(probeTypes ...string) *Operator {
	o := &Operator{
		probeDuration: prometheus.NewHistogramVec(histogram("breakwater_probe_duration_seconds",
			"How long probes took, until the last address has answered.", probeBuckets), []string{"type", "outcome"}),
		byType: map[string]*[outcomes]prometheus.Observer{},
		probeFailures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "breakwater_probe_failures_total", Help: "Probes that told anything but Success, by why.",
		}, []string{"reason"}),
		decision: prometheus.NewHistogram(histogram("breakwater_decision_duration_seconds",
			"Time from the opening of the active region's breaker until the failover that it causes is stored.", failoverBuckets)),
		publish: prometheus.NewHistogram(histogram("breakwater_publish_duration_seconds",
			"Time from a stored change of the active region until the API server has taken the EndpointSlices that show it.", publishBuckets)),
		failover: prometheus.NewHistogram(histogram("breakwater_failover_duration_seconds",
			"Time from the first failure of the active region until the API server has taken the EndpointSlices that show another.", failoverBuckets)),
		conflicts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "breakwater_conflicts_total", Help: "Writes that the API server refused because somebody else had written before, by what was written.",
		}, []string{"kind"}),
		eventsDropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "breakwater_events_dropped_total", Help: "Events that were left out because too many came at once.",
		}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "breakwater_moves_waiting", Help: "LLMBackends whose failover or failback waits for its turn, as --max-failovers-per-second wants it.",
		}),
	}
	for _, t := range probeTypes {
		of := &[outcomes]prometheus.Observer{}
		for outcome := range outcomes {
			of[outcome] = o.probeDuration.WithLabelValues(t, outcome.String())
		}
		o.byType[t] = of
	}
	for _, kind := range []string{KindLLMBackend, KindEndpointSlice} {
		o.conflicts.WithLabelValues(kind)
	}
	return o
}

// Registerer is where metrics are registered.
type Registerer = prometheus.Registerer

// Register registers all metrics: those of o and those of the LLMBackends.
func Register(with Registerer, o *Operator, b *Backends) error {
	return errors.Join(with.Register(b), with.Register(o.probeDuration), with.Register(o.probeFailures), with.Register(o.decision),
		with.Register(o.publish), with.Register(o.failover), with.Register(o.conflicts), with.Register(o.eventsDropped), with.Register(o.waiting))
}

// Probed notes a probe. One of a type that is not known is not noted.
func (o *Operator) Probed(probeType string, outcome Outcome, took time.Duration) {
	if of, known := o.byType[probeType]; known {
		of[outcome].Observe(took.Seconds())
	}
}

// ProbeFailed notes why a probe told anything but Success.
func (o *Operator) ProbeFailed(reason string) {
	o.probeFailures.WithLabelValues(BoundedReason(reason)).Inc()
}

// Decided notes that a failover is stored, for a region whose breaker opened so long ago.
func (o *Operator) Decided(took time.Duration) { o.decision.Observe(took.Seconds()) }

// Published notes that a change of the active region is shown, so long after it was stored.
func (o *Operator) Published(took time.Duration) { o.publish.Observe(took.Seconds()) }

// FailedOver notes that a failover is shown, so long after the first failure.
func (o *Operator) FailedOver(took time.Duration) { o.failover.Observe(took.Seconds()) }

// What is written under optimistic locking.
const (
	KindLLMBackend    = "LLMBackend"
	KindEndpointSlice = "EndpointSlice"
)

// Conflict notes a write of an object of that kind that was refused because another came first.
func (o *Operator) Conflict(kind string) { o.conflicts.WithLabelValues(kind).Inc() }

// EventDropped notes an event that was not sent.
func (o *Operator) EventDropped() { o.eventsDropped.Inc() }

// MovesWaiting tells how many failovers and failbacks wait for their turn.
func (o *Operator) MovesWaiting(n int) { o.waiting.Set(float64(n)) }
