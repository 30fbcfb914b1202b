// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"math"
	"testing"
	"time"
)

func epoch() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }

// bench is a breaker under test, told the time in seconds.
type bench struct {
	Breaker
	config BreakerConfig
	now    time.Duration
}

func newBench() *bench {
	return &bench{config: config("r").Regions[0].Breaker}
}

func (b *bench) at(now time.Duration) *bench { b.now = now; return b }

func (b *bench) clock() time.Time { return epoch().Add(b.now) }

func (b *bench) sees(calls int, a answer) *bench {
	for range calls {
		b.Record(&b.config, b.clock(), outcome(a.Response), ByTraffic)
	}
	return b
}

func (b *bench) trial(a answer) *bench {
	if b.AdmitTrial(b.clock()) {
		b.TrialDone(&b.config, b.clock(), outcome(a.Response))
	}
	return b
}

func (b *bench) holdProbe(a answer) *bench {
	b.HoldDone(&b.config, b.clock(), outcome(a.Response))
	return b
}

func TestBreaker(t *testing.T) {
	failure, success := status(503), status(200)
	tests := []struct {
		name  string
		do    func(b *bench)
		state State
		until time.Duration // of the open window, since the epoch
	}{
		{name: "zero value", do: func(*bench) {}, state: Closed},
		{name: "one failure short", do: func(b *bench) { b.sees(4, failure) }, state: Closed},
		{name: "threshold", do: func(b *bench) { b.at(second).sees(5, failure) }, state: Open, until: 61 * second},
		{name: "a success in between sets the count to 0",
			do: func(b *bench) { b.sees(4, failure).sees(1, success).sees(4, failure) }, state: Closed},
		{name: "Excluded, Unknown and WAIT do not",
			do: func(b *bench) {
				b.sees(4, failure).sees(9, status(401)).sees(9, fault(NotMade)).sees(9, limited(second)).sees(1, failure)
			}, state: Open, until: 60 * second},
		{name: "a lower threshold is applied at the next failure, not before",
			do: func(b *bench) { b.sees(3, failure); b.config.FailureThreshold = 2 }, state: Closed},
		{name: "a lower threshold is applied at the next failure",
			do:    func(b *bench) { b.sees(3, failure); b.config.FailureThreshold = 2; b.sees(1, failure) },
			state: Open, until: 60 * second},
		{name: "failures do not extend the window",
			do: func(b *bench) { b.sees(5, failure).at(30*second).sees(50, failure) }, state: Open, until: 60 * second},
		{name: "successes do not end the window",
			do: func(b *bench) { b.sees(5, failure).at(30*second).sees(50, success) }, state: Open, until: 60 * second},
		{name: "a failed trial before the window ends is not admitted",
			do: func(b *bench) { b.sees(5, failure).at(60*second - 1).trial(success) }, state: Open, until: 60 * second},
		{name: "a trial that succeeds closes",
			do: func(b *bench) { b.sees(5, failure).at(60 * second).trial(success) }, state: Closed},
		{name: "half open while the trial is under way, whatever others see",
			do: func(b *bench) {
				b.sees(5, failure).at(60 * second).AdmitTrial(b.clock())
				b.sees(9, failure).sees(9, success)
			}, state: HalfOpen, until: 60 * second},
		{name: "a trial that fails opens again",
			do: func(b *bench) { b.sees(5, failure).at(62 * second).trial(failure) }, state: Open, until: 122 * second},
		{name: "a trial that says nothing opens again",
			do: func(b *bench) { b.sees(5, failure).at(62 * second).trial(status(401)) }, state: Open, until: 122 * second},
		{name: "a trial that was not made opens again",
			do: func(b *bench) { b.sees(5, failure).at(62 * second).trial(fault(NotMade)) }, state: Open, until: 122 * second},
		{name: "a trial told to wait less opens for openDuration",
			do: func(b *bench) { b.sees(5, failure).at(62 * second).trial(limited(9 * second)) }, state: Open, until: 122 * second},
		{name: "a trial told to wait more opens for that",
			do: func(b *bench) { b.sees(5, failure).at(62 * second).trial(limited(90 * second)) }, state: Open, until: 152 * second},
		{name: "a trial told to stop opens for that",
			do: func(b *bench) { b.sees(5, failure).at(62 * second).trial(limited(time.Hour)) }, state: Open, until: 3662 * second},
		{name: "as many successes as configured",
			do: func(b *bench) {
				b.config.SuccessThreshold = 3
				b.sees(5, failure).at(60 * second).trial(success).trial(success)
			}, state: HalfOpen, until: 60 * second},
		{name: "as many successes as configured, in a row",
			do: func(b *bench) {
				b.config.SuccessThreshold = 2
				b.sees(5, failure).at(60 * second).trial(success).trial(failure).at(120 * second).trial(success)
			}, state: HalfOpen, until: 120 * second},
		{name: "as many successes as configured close",
			do: func(b *bench) {
				b.config.SuccessThreshold = 2
				b.sees(5, failure).at(60 * second).trial(success).trial(success)
			}, state: Closed},
		{name: "the count begins at 0 after closing",
			do:    func(b *bench) { b.sees(5, failure).at(60*second).trial(success).sees(4, failure) },
			state: Closed},

		{name: "CAP: 429 without Retry-After is a failure", do: func(b *bench) { b.sees(5, status(429)) },
			state: Open, until: 60 * second},
		{name: "WAIT: up to the threshold it is neither", do: func(b *bench) { b.sees(99, limited(2*time.Minute)) }, state: Closed},
		{name: "WAIT: does not extend the window of an open breaker",
			do:    func(b *bench) { b.sees(5, failure).at(30*second).sees(9, limited(2*time.Minute)) },
			state: Open, until: 60 * second},
		{name: "CAP: does not extend the window of an open breaker",
			do: func(b *bench) { b.sees(5, failure).at(30*second).sees(9, status(429)) }, state: Open, until: 60 * second},
		{name: "CAP: as the answer of a trial opens again",
			do: func(b *bench) { b.sees(5, failure).at(62 * second).trial(status(429)) }, state: Open, until: 122 * second},
		{name: "STOP: above it opens at once, for that long",
			do:    func(b *bench) { b.at(second).sees(1, limited(121*second)) },
			state: Open, until: 122 * second},
		{name: "STOP: at least openDuration",
			do: func(b *bench) {
				b.config.RetryAfterThreshold = second
				b.sees(1, limited(2*second))
			}, state: Open, until: 60 * second},
		{name: "STOP: applies to an open breaker",
			do:    func(b *bench) { b.sees(5, failure).at(second).sees(1, limited(time.Hour)) },
			state: Open, until: 3601 * second},
		{name: "STOP: never shrinks a window",
			do:    func(b *bench) { b.sees(1, limited(time.Hour)).sees(1, limited(3*time.Minute)) },
			state: Open, until: time.Hour},
		{name: "STOP: applies while a trial is under way, whose answer no longer counts",
			do: func(b *bench) {
				b.sees(5, failure).at(60 * second).AdmitTrial(b.clock())
				b.sees(1, limited(time.Hour))
				b.TrialDone(&b.config, b.clock(), outcome(success.Response))
			}, state: Open, until: 3660 * second},

		{name: "a hold probe closes before the window ends",
			do: func(b *bench) { b.sees(5, failure).at(second).holdProbe(success) }, state: Closed},
		{name: "a hold probe that fails does not extend the window",
			do: func(b *bench) { b.sees(5, failure).at(second).holdProbe(failure) }, state: Open, until: 60 * second},
		{name: "a hold probe that fails breaks the row",
			do: func(b *bench) {
				b.config.SuccessThreshold = 2
				b.sees(5, failure).at(second).holdProbe(success).holdProbe(failure).holdProbe(success)
			}, state: Open, until: 60 * second},
		{name: "a hold probe that is told to wait breaks the row",
			do: func(b *bench) {
				b.config.SuccessThreshold = 2
				b.sees(5, failure).at(second).holdProbe(success).holdProbe(limited(second)).holdProbe(success)
			}, state: Open, until: 60 * second},
		{name: "a hold probe told to stop",
			do:    func(b *bench) { b.sees(5, failure).at(second).holdProbe(limited(time.Hour)) },
			state: Open, until: 3601 * second},
		{name: "a hold probe of a closed breaker counts as any other",
			do:    func(b *bench) { b.sees(4, failure).holdProbe(failure) },
			state: Open, until: 60 * second},

		{name: "reset", do: func(b *bench) { b.sees(1, limited(time.Hour)).Close(b.clock(), resetReason) }, state: Closed},
		{name: "reset while a trial is under way, whose answer then counts as any other",
			do: func(b *bench) {
				b.sees(5, failure).at(60 * second).AdmitTrial(b.clock())
				b.Close(b.clock(), resetReason)
				b.TrialDone(&b.config, b.clock(), outcome(failure.Response))
			}, state: Closed},
		{name: "reset clears the count",
			do: func(b *bench) {
				b.sees(4, failure).Close(b.clock(), resetReason)
				b.sees(4, failure)
			}, state: Closed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench()
			tt.do(b)
			if b.State() != tt.state {
				t.Errorf("state = %v, want %v", b.State(), tt.state)
			}
			var until time.Time
			if tt.state != Closed {
				until = epoch().Add(tt.until)
			}
			if !b.OpenUntil().Equal(until) {
				t.Errorf("open until %v, want %v", b.OpenUntil(), until)
			}
		})
	}
}

// Who opened a breaker stays noted over trials: real traffic is not outweighed by a probe that failed too.
func TestBreakerOpenedBy(t *testing.T) {
	b := newBench()
	b.sees(5, status(503)).at(60 * second).trial(fault(Timeout))
	if b.openedBy != ByTraffic || b.transport {
		t.Errorf("opened by %v, transport %v after a failed trial; want Traffic, false", b.openedBy, b.transport)
	}
	if b.reason != "Timeout" || !b.since.Equal(epoch()) {
		t.Errorf("reason %s since %v; want Timeout, the newest, since the opening", b.reason, b.since)
	}
}

func BenchmarkRecord(b *testing.B) {
	never := AdaptiveConfig{MinFailureThreshold: math.MaxInt, MaxFailureThreshold: math.MaxInt}
	for mode, adaptive := range map[string]*AdaptiveConfig{"fixed": nil, "adaptive": &never} {
		for name, o := range map[string]Outcome{
			"success": outcome(Response{Status: 200}),
			"failure": outcome(Response{Status: 503}),
		} {
			b.Run(mode+"/"+name, func(b *testing.B) {
				breaker := newBench()
				breaker.config.FailureThreshold = math.MaxInt
				breaker.config.Adaptive = adaptive
				now := breaker.clock()
				b.ReportAllocs()
				for b.Loop() {
					breaker.Record(&breaker.config, now, o, ByProbe)
				}
			})
		}
	}
}
