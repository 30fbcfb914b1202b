// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestBreakerAgreesWithModel lets a Breaker and its model see the same, in any order.
func TestBreakerAgreesWithModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var r RegionConfig
		redrawRegion(t, &r)
		c, now := r.Breaker, epoch()
		b, m := &Breaker{}, &modelBreaker{recovery: -1}
		source := rapid.SampledFrom([]Source{ByProbe, ByTraffic})
		anyOutcome := rapid.Custom(func(t *rapid.T) Outcome { return outcome(anyReply(t, true).make(now).Response) })
		t.Repeat(map[string]func(*rapid.T){
			"time": func(t *rapid.T) { now = now.Add(between(t, 0, 90*second, "passes")) },
			"end of the window": func(t *rapid.T) {
				now = later(now, b.OpenUntil().Add(rapid.SampledFrom([]time.Duration{-1, 0, 1}).Draw(t, "off")))
			},
			"outcome": func(t *rapid.T) {
				o := anyOutcome.Draw(t, "outcome")
				b.Record(&c, now, o, source.Draw(t, "by"))
				m.record(c, now, o)
			},
			"failures": func(t *rapid.T) {
				for range rapid.IntRange(1, 10).Draw(t, "failures") {
					o := outcome(Response{Status: 503})
					b.Record(&c, now, o, ByProbe)
					m.record(c, now, o)
				}
			},
			"admission": func(t *rapid.T) {
				if got := b.AdmitTrial(now); got != m.admit(now) {
					t.Fatalf("trial admitted: %v; the window ends at %v, and it is %v", got, m.until, now)
				}
			},
			"answer of the trial": func(t *rapid.T) {
				o := anyOutcome.Draw(t, "outcome")
				b.TrialDone(&c, now, o)
				m.trial(c, now, o)
			},
			"answer in a hold": func(t *rapid.T) {
				o := anyOutcome.Draw(t, "outcome")
				b.HoldDone(&c, now, o)
				m.held(c, now, o)
			},
			"force": func(t *rapid.T) {
				before, d := b.OpenUntil(), between(t, 0, 300*second, "force for")
				b.ForceOpen(&c, now, d, Outcome{Class: Failure}, ByProbe)
				m.forceOpen(c, now, d)
				if b.OpenUntil().Before(before) {
					t.Fatalf("the window shrank from %v to %v", before, b.OpenUntil())
				}
			},
			"reset": func(*rapid.T) {
				b.Close(now, resetReason)
				m.close()
			},
			"limits": func(t *rapid.T) {
				adaptive := c.Adaptive
				redrawRegion(t, &r)
				if c = r.Breaker; (c.Adaptive == nil) != (adaptive == nil) {
					c.Adaptive = adaptive // changing the mode is for the machine, which forgets the averages
				}
			},
			"": func(t *rapid.T) { agree(t, c, b, m) },
		})
	})
}

func agree(t *rapid.T, c BreakerConfig, b *Breaker, m *modelBreaker) {
	if b.State() != m.state() {
		t.Fatalf("the breaker is %v, the model %v", b.State(), m.state())
	}
	if d := b.OpenUntil().Sub(m.until); d < -time.Millisecond || d > time.Millisecond {
		t.Fatalf("the window ends at %v, that of the model at %v", b.OpenUntil(), m.until)
	}
	if b.failures != m.failures || b.successes != m.successes {
		t.Fatalf("the breaker counts %d failures and %d successes, the model %d and %d",
			b.failures, b.successes, m.failures, m.successes)
	}
	if got, want := b.failureThreshold(&c), m.threshold(c); got != want {
		t.Fatalf("the threshold is %d, that of the model %d at a rate of %v", got, want, m.rate)
	}
}
