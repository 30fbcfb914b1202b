// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is what is printed.
type report struct {
	Backends                 int        `json:"backends"`
	CPUCores                 float64    `json:"cpuCores"`
	RSSMiB                   float64    `json:"rssMiB"`
	Goroutines               int        `json:"goroutines"`
	OpenSockets              int        `json:"openSockets"`
	ProbesPerSecond          float64    `json:"probesPerSecond"`
	LatenessP99Ms            float64    `json:"latenessP99Ms"`
	SteadyAPIWrites          int        `json:"steadyApiWrites"`
	SteadyReconciles         int        `json:"steadyReconciles"`
	ColdStartSeconds         float64    `json:"coldStartSeconds"`
	RestartAPIWrites         int        `json:"restartApiWrites"`
	MassFailoverSeconds      float64    `json:"massFailoverSeconds"`
	MassFailoverWritesPerSec float64    `json:"massFailoverWritesPerSecond"`
	BareWritesPerSecond      float64    `json:"bareWritesPerSecond"`
	SingleFailoverMsP50      float64    `json:"singleFailoverMsP50"`
	SingleFailoverMsP99      float64    `json:"singleFailoverMsP99"`
	BareTwoWritesMsP50       float64    `json:"bareTwoWritesMsP50"`
	BareTwoWritesMsP99       float64    `json:"bareTwoWritesMsP99"`
	Context                  conditions `json:"context"`
	// Failed is why what comes later is missing; empty if the run was complete.
	Failed string `json:"failed,omitempty"`
}

// conditions are those under which the numbers came about.
type conditions struct {
	CPUs int `json:"cpus"`
	// SimulatedWrites is how many writes a second the API server was let make; 0 for a real one.
	SimulatedWrites  float64 `json:"simulatedWritesPerSecond,omitempty"`
	LoadAverageStart string  `json:"loadAverageStart"`
	LoadAverageEnd   string  `json:"loadAverageEnd"`
	// Shards are the operators, if there is more than one. Above, their cpuCores, goroutines, openSockets and counts are
	// added up, and rssMiB is the largest.
	Shards          int `json:"shards,omitempty"`
	SingleFailovers int `json:"singleFailovers"`
	// BareTwoWritesAlone… are those of a bare client after the operator has ended, so that nothing is probed meanwhile.
	BareTwoWritesAloneMsP50 float64  `json:"bareTwoWritesAloneMsP50"`
	BareTwoWritesAloneMsP99 float64  `json:"bareTwoWritesAloneMsP99"`
	Steady                  cpuSplit `json:"steadyCpuSeconds"`
	// ScrapeCPUSeconds is what it costs the operator to show its metrics once, which cpuCores does not hold.
	ScrapeCPUSeconds float64 `json:"scrapeCpuSeconds"`
	// HeapGoalMiB is up to where the operator's heap may grow before garbage is collected, after the steady state.
	HeapGoalMiB  float64  `json:"heapGoalMiB"`
	MassFailover cpuSplit `json:"massFailoverCpuSeconds"`
	BareWrites   cpuSplit `json:"bareWritesCpuSeconds"`
	// MassAPIWrites are all writes until the last slice: what is beyond two for each LLMBackend stood in the way.
	MassAPIWrites int `json:"massFailoverApiWrites"`
	// MassStatusWrites are those of them that wrote a status: one for each LLMBackend moves traffic.
	MassStatusWrites int `json:"massFailoverStatusWrites"`
	// MassMoved is how many LLMBackends moved.
	MassMoved int `json:"massFailoverMoved"`
	// MassPeakRSSMiB is the operator's peak since its start, after the mass failover.
	MassPeakRSSMiB float64 `json:"massFailoverPeakRssMiB"`
	// ConfirmedSeconds is when every LLMBackend said that its new region is published.
	ConfirmedSeconds float64 `json:"massFailoverConfirmedSeconds"`
}

// cpuSplit says who used the CPU, in seconds. Bench is this program: region servers, watches, bare client.
type cpuSplit struct {
	Operator  float64 `json:"operator"`
	APIServer float64 `json:"apiServer"`
	Etcd      float64 `json:"etcd"`
	Bench     float64 `json:"bench"`
}

func (c cpuSplit) since(before cpuSplit) cpuSplit {
	return cpuSplit{
		Operator:  round(c.Operator - before.Operator),
		APIServer: round(c.APIServer - before.APIServer),
		Etcd:      round(c.Etcd - before.Etcd),
		Bench:     round(c.Bench - before.Bench),
	}
}

func newReport(o options) report {
	c := conditions{CPUs: runtime.NumCPU(), SimulatedWrites: o.simulatedWrites, LoadAverageStart: loadAverage()}
	if o.shards > 1 {
		c.Shards = o.shards
	}
	return report{Backends: o.backends, Context: c}
}

// loadAverage is how many processes wanted a CPU over 1, 5 and 15 minutes.
func loadAverage() string {
	content, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(content))[:3], " ")
}

// percentile returns the nearest-rank percentile; 0 of nothing.
func percentile(of []time.Duration, p float64) time.Duration {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

func milliseconds(d time.Duration) float64 { return round(float64(d) / float64(time.Millisecond)) }

// round leaves three decimals.
func round(f float64) float64 { return math.Round(f*1000) / 1000 }
