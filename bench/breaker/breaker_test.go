// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package breaker_test holds the circuit breaker against its peers.
//
// The peers lock by themselves, and read the clock where they need it. Breakwater's breaker does neither:
// one lock guards all breakers of an LLMBackend, and the time comes in as a value. To be like for like it is
// measured behind a lock of its own, with readings of the clock where the peer reads it, and only beside that
// as its owner calls it ("breakwater-bare").
package breaker_test

import (
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/sony/gobreaker/v2"

	"github.com/breakwater-dev/breakwater/internal/failover"
)

const (
	threshold    = 5
	openDuration = time.Hour
)

var errFailed = errors.New("failed")

func config() *failover.BreakerConfig {
	return &failover.BreakerConfig{
		FailureThreshold: threshold, SuccessThreshold: 1, OpenDuration: openDuration, RetryAfterThreshold: time.Minute,
	}
}

var (
	success = failover.Outcome{Class: failover.Success, Status: 200}
	failure = failover.Outcome{Class: failover.Failure, Status: 503}
)

// locked is a Breaker that is guarded as the peers guard theirs.
type locked struct {
	mu      sync.Mutex
	breaker failover.Breaker
	config  *failover.BreakerConfig
}

// admit says whether a call may be made.
func (l *locked) admit(now time.Time) bool {
	l.mu.Lock()
	admitted := l.breaker.State() == failover.Closed || l.breaker.AdmitTrial(now)
	l.mu.Unlock()
	return admitted
}

func (l *locked) record(now time.Time, o *failover.Outcome) {
	l.mu.Lock()
	l.breaker.Record(l.config, now, *o, failover.ByTraffic)
	l.mu.Unlock()
}

func newGobreaker() *gobreaker.TwoStepCircuitBreaker[any] {
	return gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Timeout:     openDuration,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= threshold },
	})
}

func newFailsafe() circuitbreaker.CircuitBreaker[any] {
	return circuitbreaker.NewBuilder[any]().WithFailureThreshold(threshold).WithDelay(openDuration).Build()
}

// BenchmarkRecord records outcomes while closed. gobreaker records only what it has admitted before, so it
// is in BenchmarkCall alone.
func BenchmarkRecord(b *testing.B) {
	for _, calls := range []struct {
		name     string
		outcomes [2]failover.Outcome // by turns, so that the breaker never opens
	}{
		{"success", [2]failover.Outcome{success, success}},
		{"mixed", [2]failover.Outcome{success, failure}},
	} {
		b.Run(calls.name+"/breakwater-bare", func(b *testing.B) {
			b.ReportAllocs()
			c, now := config(), time.Now()
			var breaker failover.Breaker
			report := reportCPU(b)
			defer report()
			for i := 0; b.Loop(); i++ {
				breaker.Record(c, now, calls.outcomes[i&1], failover.ByTraffic)
			}
		})
		b.Run(calls.name+"/breakwater", func(b *testing.B) {
			b.ReportAllocs()
			l, now := &locked{config: config()}, time.Now()
			each(b, func(i int) { l.record(now, &calls.outcomes[i&1]) })
		})
		b.Run(calls.name+"/failsafe-go", func(b *testing.B) {
			b.ReportAllocs()
			f := newFailsafe()
			each(b, func(i int) {
				if calls.outcomes[i&1].Class == failover.Success {
					f.RecordSuccess()
				} else {
					f.RecordFailure()
				}
			})
		})
	}
}

// BenchmarkCall admits a call and records its outcome, while closed. failsafe-go needs no clock for that;
// gobreaker reads it twice, and so does Breakwater in the rows "clock".
func BenchmarkCall(b *testing.B) {
	b.Run("breakwater", func(b *testing.B) {
		b.ReportAllocs()
		l, now := &locked{config: config()}, time.Now()
		each(b, func(int) {
			if !l.admit(now) {
				b.Error("not admitted")
			}
			l.record(now, &success)
		})
	})
	b.Run("failsafe-go", func(b *testing.B) {
		b.ReportAllocs()
		f := newFailsafe()
		each(b, func(int) {
			if !f.TryAcquirePermit() {
				b.Error("not admitted")
			}
			f.RecordSuccess()
		})
	})
	b.Run("clock/breakwater", func(b *testing.B) {
		b.ReportAllocs()
		l := &locked{config: config()}
		each(b, func(int) {
			if !l.admit(time.Now()) {
				b.Error("not admitted")
			}
			l.record(time.Now(), &success)
		})
	})
	b.Run("clock/gobreaker", func(b *testing.B) {
		b.ReportAllocs()
		g := newGobreaker()
		each(b, func(int) {
			done, err := g.Allow()
			if err != nil {
				b.Error(err)
				return
			}
			done(nil)
		})
	})
}

// BenchmarkReject asks for a call while open. All three read the clock.
func BenchmarkReject(b *testing.B) {
	b.Run("breakwater", func(b *testing.B) {
		b.ReportAllocs()
		l := &locked{config: config()}
		for range threshold {
			l.record(time.Now(), &failure)
		}
		each(b, func(int) {
			if l.admit(time.Now()) {
				b.Error("admitted")
			}
		})
	})
	b.Run("gobreaker", func(b *testing.B) {
		b.ReportAllocs()
		g := newGobreaker()
		for range threshold {
			if done, err := g.Allow(); err == nil {
				done(errFailed)
			}
		}
		each(b, func(int) {
			if _, err := g.Allow(); err == nil {
				b.Error("admitted")
			}
		})
	})
	b.Run("failsafe-go", func(b *testing.B) {
		b.ReportAllocs()
		f := newFailsafe()
		for range threshold {
			f.RecordFailure()
		}
		each(b, func(int) {
			if f.TryAcquirePermit() {
				b.Error("admitted")
			}
		})
	})
}

// BenchmarkTrip goes from closed to open: as many failures as the threshold, then back to closed.
func BenchmarkTrip(b *testing.B) {
	b.Run("breakwater", func(b *testing.B) {
		b.ReportAllocs()
		l := &locked{config: config()}
		report := reportCPU(b)
		defer report()
		for b.Loop() {
			now := time.Now()
			for range threshold {
				l.record(now, &failure)
			}
			if l.breaker.State() != failover.Open {
				b.Fatal("not open")
			}
			l.mu.Lock()
			l.breaker.Close(now, "Reset")
			l.mu.Unlock()
		}
	})
	b.Run("failsafe-go", func(b *testing.B) {
		b.ReportAllocs()
		f := newFailsafe()
		report := reportCPU(b)
		defer report()
		for b.Loop() {
			for range threshold {
				f.RecordFailure()
			}
			if !f.IsOpen() {
				b.Fatal("not open")
			}
			f.Close()
		}
	})
}

// each calls f on all cores that -cpu allows.
func each(b *testing.B, f func(i int)) {
	report := reportCPU(b)
	defer report()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			f(i)
		}
	})
}

// reportCPU reports, when the function that it returns is called, the CPU time that each call has taken. On
// a machine that others use too it says more than the time on the clock.
func reportCPU(b *testing.B) func() {
	before := cpuTime(b)
	return func() {
		b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
	}
}

// cpuTime is the CPU time, user and system, of this process.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
