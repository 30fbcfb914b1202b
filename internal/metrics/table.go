// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package metrics

import "github.com/prometheus/client_golang/prometheus"

// metric is one row of a table of metrics.
type metric struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string // beside those that all metrics of the table have, which sort before; sorted
}

// The rows of backendMetrics.
const (
	llmBackends = iota
	activeRegion
	activeSince
	lastTransition
	transitionSeq
	transitions
	holding
	holds
	condition
	limitedUntil
	breakerState
	probes
	probeSeconds
	probeCompletions
	probeTokens
	flappingSeconds
)

// backendMetrics are those of LLMBackends. All but the first have the labels namespace and llmbackend.
var backendMetrics = [...]metric{
	llmBackends: {
		name: "breakwater_llmbackends", kind: prometheus.GaugeValue,
		help: "LLMBackends that this replica works for; 0 while it does not lead.",
	},
	activeRegion: {
		name: "breakwater_active_region_info", kind: prometheus.GaugeValue, labels: []string{"region", "role"},
		help: "Always 1: the region that traffic goes to, and whether it is the primary, a secondary or removed from the spec.",
	},
	activeSince: {
		name: "breakwater_active_region_since_timestamp_seconds", kind: prometheus.GaugeValue,
		help: "When traffic was sent to the active region.",
	},
	lastTransition: {
		name: "breakwater_last_transition_timestamp_seconds", kind: prometheus.GaugeValue,
		help: "When the newest transition was; before the first, when traffic was sent to the active region.",
	},
	transitionSeq: {
		name: "breakwater_transition_seq", kind: prometheus.GaugeValue,
		help: "Number of the newest transition: it never goes down, also over a restart of the operator.",
	},
	transitions: {
		name: "breakwater_transitions_total", kind: prometheus.CounterValue, labels: []string{"reason", "type"},
		help: "Transitions since this replica began to lead.",
	},
	holding: {
		name: "breakwater_holding", kind: prometheus.GaugeValue, labels: []string{"reason"},
		help: "1 while traffic is held on a region that fails, and absent otherwise.",
	},
	holds: {
		name: "breakwater_holds_total", kind: prometheus.CounterValue, labels: []string{"reason"},
		help: "Holds that the status has told of since this replica began to lead.",
	},
	condition: {
		name: "breakwater_condition", kind: prometheus.GaugeValue, labels: []string{"reason", "status", "type"},
		help: "Always 1: a condition of the status.",
	},
	limitedUntil: {
		name: "breakwater_failover_limited_until_timestamp_seconds", kind: prometheus.GaugeValue,
		help: "When spec.failover.maxPerHour allows a failover again; absent while it allows one.",
	},
	breakerState: {
		name: "breakwater_breaker_state", kind: prometheus.GaugeValue, labels: []string{"region"},
		help: "State of the region's circuit breaker: 0 is Closed, 1 is Open, 2 is HalfOpen.",
	},
	probes: {
		name: "breakwater_probes_total", kind: prometheus.CounterValue, labels: []string{"outcome", "region"},
		help: "Probes of the region by what they told. Outcomes other than Success appear with the first of them.",
	},
	probeSeconds: {
		name: "breakwater_probe_seconds_total", kind: prometheus.CounterValue, labels: []string{"region"},
		help: "How long all probes of the region took together: divided by their number, how long one takes.",
	},
	probeCompletions: {
		name: "breakwater_probe_completions_total", kind: prometheus.CounterValue, labels: []string{"region"},
		help: "Completions that probes of the region asked for. There only for regions that may be asked for them.",
	},
	probeTokens: {
		name: "breakwater_probe_tokens_total", kind: prometheus.CounterValue, labels: []string{"region"},
		help: "Tokens that these completions took; 128 for each of which the server did not say.",
	},
	flappingSeconds: {
		name: "breakwater_flapping_min_duration_seconds", kind: prometheus.GaugeValue, labels: []string{"region"},
		help: "For how long at least traffic stays away from a region that flaps; absent for others.",
	},
}

var backendDescs = describe()

func describe() (descs [len(backendMetrics)]*prometheus.Desc) {
	for i, m := range backendMetrics {
		var labels []string
		if i != llmBackends {
			labels = append([]string{"llmbackend", "namespace"}, m.labels...)
		}
		descs[i] = prometheus.NewDesc(m.name, m.help, labels, nil)
	}
	return descs
}
