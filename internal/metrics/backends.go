// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Backend is what a scrape shows of one LLMBackend.
type Backend struct {
	Namespace, Name string
	// ActiveRegion is where traffic goes; empty before anything was published. Role is one of the roles.
	ActiveRegion, Role string
	ActiveSince        time.Time
	// TransitionSeq and LastTransition are number and time of the newest transition.
	TransitionSeq  int64
	LastTransition time.Time
	// Holds are the reasons why traffic stays on a region that fails.
	Holds []string
	// LimitedUntil is when a limit allows a failover again; zero while it allows one.
	LimitedUntil time.Time
	Regions      []Region
	Conditions   []Condition
	Transitions  []Count
	// HoldsBegun counts holds; their Type is not used.
	HoldsBegun []Count
}

// The roles of the active region.
const (
	RolePrimary   = "primary"
	RoleSecondary = "secondary"
	// RoleRemoved is that of a region that has left the spec.
	RoleRemoved = "removed"
)

// BreakerState is the state of a region's breaker, as the number that a scrape shows.
type BreakerState float64

// The states of a breaker.
const (
	Closed   BreakerState = 0
	Open     BreakerState = 1
	HalfOpen BreakerState = 2
)

// Region is what a scrape shows of one region.
type Region struct {
	Name    string
	Breaker BreakerState
	Probes  Probes
	// Spend is nil for a region whose probes ask for no completions.
	Spend *Spend
	// MinDuration is for how long traffic stays away from it if it flaps, else 0.
	MinDuration time.Duration
}

// Spend is what the completions of a region's probes have cost since the operator began to ask for them.
type Spend struct{ Completions, Tokens int64 }

// Condition is one condition of an LLMBackend's status.
type Condition struct{ Type, Status, Reason string }

// Count is how often something has happened. Type and Reason are from closed sets.
type Count struct {
	Type, Reason string
	N            uint64
}

// Add counts one more.
func Add(counts []Count, kind, reason string) []Count {
	for i := range counts {
		if counts[i].Type == kind && counts[i].Reason == reason {
			counts[i].N++
			return counts
		}
	}
	return append(counts, Count{Type: kind, Reason: reason, N: 1})
}

// Outcome is what a probe has told.
type Outcome uint8

// The outcomes of probes.
const (
	Unknown Outcome = iota
	Failure
	RateLimited
	Excluded
	Success
	outcomes
)

// String returns the outcome in the spelling of labels.
func (o Outcome) String() string {
	return [outcomes]string{"Unknown", "Failure", "RateLimited", "Excluded", "Success"}[o]
}

// Probes counts the probes of one region by outcome, and how long all of them took together. It allocates
// nothing and takes no lock: its owner has one.
type Probes struct {
	counts [outcomes]uint64
	took   time.Duration
}

// Count counts a probe that took d, at least 0.
func (p *Probes) Count(o Outcome, d time.Duration) {
	p.counts[o]++
	p.took += d
}

// Backends collects the metrics of LLMBackends.
type Backends struct {
	each func(show func(*Backend))
}

// NewBackends returns a collector that asks each for the LLMBackends at every scrape. What is shown is not kept,
// so that one Backend can be filled again and again.
func NewBackends(each func(show func(*Backend))) *Backends { return &Backends{each: each} }

// Describe sends what there is to collect.
func (*Backends) Describe(to chan<- *prometheus.Desc) {
	for i := range backendMetrics {
		to <- backendDescs[i]
	}
}

// Collect sends the metrics of all LLMBackends as they are now.
func (c *Backends) Collect(to chan<- prometheus.Metric) {
	count := 0
	pairs := labelPairs{}
	c.each(func(b *Backend) {
		count++
		scrape{b, to, pairs, newPair("llmbackend", b.Name)}.all()
	})
	to <- prometheus.MustNewConstMetric(backendDescs[llmBackends], prometheus.GaugeValue, float64(count))
}

// scrape sends the metrics of one LLMBackend.
type scrape struct {
	*Backend

	to    chan<- prometheus.Metric
	pairs labelPairs
	name  *dto.LabelPair
}

func (s scrape) all() {
	if s.ActiveRegion != "" {
		s.send(activeRegion, 1, s.ActiveRegion, s.Role)
		s.sendTime(activeSince, s.ActiveSince)
		s.sendTime(lastTransition, s.LastTransition)
		s.send(transitionSeq, float64(s.TransitionSeq))
	}
	for _, reason := range s.Holds {
		s.send(holding, 1, reason)
	}
	s.sendTime(limitedUntil, s.LimitedUntil)
	for i := range s.Regions {
		s.region(&s.Regions[i])
	}
	for _, c := range s.Conditions {
		s.send(condition, 1, c.Reason, c.Status, c.Type)
	}
	for _, c := range s.Transitions {
		s.send(transitions, float64(c.N), c.Reason, c.Type)
	}
	for _, c := range s.HoldsBegun {
		s.send(holds, float64(c.N), c.Reason)
	}
}

func (s scrape) region(r *Region) {
	s.send(breakerState, float64(r.Breaker), r.Name)
	s.send(probeSeconds, r.Probes.took.Seconds(), r.Name)
	if r.Spend != nil {
		s.send(probeCompletions, float64(r.Spend.Completions), r.Name)
		s.send(probeTokens, float64(r.Spend.Tokens), r.Name)
	}
	if r.MinDuration > 0 {
		s.send(flappingSeconds, r.MinDuration.Seconds(), r.Name)
	}
	for o, n := range r.Probes.counts {
		if n > 0 || Outcome(o) == Success {
			s.send(probes, float64(n), Outcome(o).String(), r.Name)
		}
	}
}

func (s scrape) sendTime(row int, t time.Time) {
	if !t.IsZero() {
		s.send(row, float64(t.UnixMicro())/1e6)
	}
}

// send sends a metric of this LLMBackend; values are those of the row's own labels.
func (s scrape) send(row int, value float64, values ...string) {
	m := &backendMetrics[row]
	one := &sample{desc: backendDescs[row], value: value, counts: m.kind == prometheus.CounterValue}
	one.labels = append(make([]*dto.LabelPair, 0, 2+len(values)), s.name, s.pairs.get("namespace", s.Namespace))
	for i, v := range values {
		one.labels = append(one.labels, s.pairs.get(m.labels[i], v))
	}
	s.to <- one
}
