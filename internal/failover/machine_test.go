// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "testing"

// steady returns a machine of two regions at rest, and one round of it: every probe is started and answered.
func steady(tb testing.TB) (round func()) {
	tb.Helper()
	m := &Machine{}
	now := epoch()
	m.Observe(now, Input{UID: "uid", Config: config("us-east", "eu-west")})
	m.Settle(m.Plan(now))
	success := outcome(Response{Status: 200})
	var probes []Probe
	return func() {
		var next Next
		probes, next = m.Poll(now, probes[:0])
		for _, p := range probes {
			m.ProbeDone(now, p.ID, now, success)
			_, next = m.Poll(now, nil)
		}
		if next.Plan {
			m.Settle(m.Plan(now))
		}
		now = next.Wake
	}
}

// The steady state of ten thousand LLMBackends must not feed the garbage collector.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	round := steady(t)
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations per round", n)
	}
}

// BenchmarkSteadyRound measures a period of an LLMBackend of two regions: two probes, three polls.
func BenchmarkSteadyRound(b *testing.B) {
	round := steady(b)
	b.ReportAllocs()
	for b.Loop() {
		round()
	}
}
