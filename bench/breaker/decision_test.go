// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package breaker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/breakwater-dev/breakwater/internal/failover"
)

func input(regions int) failover.Input {
	in := failover.Input{UID: "uid", Generation: 1, Config: failover.Config{SuspectPeriod: time.Second}}
	for i := range regions {
		name := fmt.Sprintf("region-%d", i)
		in.Config.Regions = append(in.Config.Regions, failover.RegionConfig{
			Name: name, Identity: name, Breaker: *config(),
			Probe: failover.ProbeConfig{Period: 10 * time.Second, SuspectPeriod: time.Second},
		})
	}
	return in
}

// BenchmarkDecision is what no peer does: the whole decision about an LLMBackend.
func BenchmarkDecision(b *testing.B) {
	for _, regions := range []int{2, 16} {
		b.Run(fmt.Sprintf("probe-answered/regions=%d/breakwater", regions), func(b *testing.B) { answered(b, regions) })
		b.Run(fmt.Sprintf("failover/regions=%d/breakwater", regions), func(b *testing.B) { failsOver(b, regions) })
	}
}

// answered is the hot path: one probe's answer in a steady state, and what to do next.
func answered(b *testing.B, regions int) {
	b.ReportAllocs()
	var m failover.Machine
	now := time.Now()
	m.Observe(now, input(regions))
	m.Settle(m.Plan(now))
	var due, buf []failover.Probe
	due, _ = m.Poll(now, nil)
	report := reportCPU(b)
	defer report()
	for b.Loop() {
		if len(due) == 0 {
			now = now.Add(10 * time.Second)
			due, _ = m.Poll(now, buf[:0])
			buf = due
		}
		p := due[len(due)-1]
		due = due[:len(due)-1]
		m.ProbeDone(now, p.ID, now, success)
		m.Poll(now, nil)
	}
}

// failsOver is everything from the outage of the active region to the stored decision.
func failsOver(b *testing.B, regions int) {
	b.ReportAllocs()
	in := input(regions)
	report := reportCPU(b)
	defer report()
	for b.Loop() {
		var m failover.Machine
		now := time.Now()
		m.Observe(now, in)
		m.Settle(m.Plan(now))
		for range 100 {
			due, next := m.Poll(now, nil)
			for _, p := range due {
				o := success
				if p.Region == "region-0" {
					o = failure
				}
				m.ProbeDone(now, p.ID, now, o)
			}
			if len(due) > 0 {
				continue
			}
			if p := m.Plan(now); p.Record.ActiveRegion == "region-1" {
				m.Settle(p)
				break
			}
			now = next.Wake
		}
		if p := m.Plan(now); p.Record.ActiveRegion != "region-1" {
			b.Fatalf("the active region is %s", p.Record.ActiveRegion)
		}
	}
}
