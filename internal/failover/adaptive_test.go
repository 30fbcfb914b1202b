// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"testing"
	"time"
)

func newAdaptiveBench() *bench {
	b := newBench()
	b.config.Adaptive = new(DefaultAdaptive())
	return b
}

// opened makes real traffic open the breaker at the given time.
func (b *bench) opened(at time.Duration) *bench {
	return b.at(at).sees(b.config.FailureThreshold, status(503))
}

func TestFailureRate(t *testing.T) {
	const one = always / 10 // of one failure after none
	tests := []struct {
		name string
		do   func(b *bench)
		want int64
	}{
		{"a failure", func(b *bench) { b.sees(1, status(503)) }, one},
		{"a second failure", func(b *bench) { b.sees(2, status(503)) }, 190_000_000},
		{"a success", func(b *bench) { b.sees(1, status(503)).sees(1, status(200)) }, 90_000_000},
		{"CAP is a failure", func(b *bench) { b.sees(1, status(429)) }, one},
		{"WAIT moves nothing", func(b *bench) { b.sees(1, status(503)).sees(9, limited(second)) }, one},
		{"STOP moves nothing", func(b *bench) { b.sees(1, status(503)).sees(9, limited(time.Hour)) }, one},
		{"Excluded moves nothing", func(b *bench) { b.sees(1, status(503)).sees(9, status(401)) }, one},
		{"Unknown moves nothing", func(b *bench) { b.sees(1, status(503)).sees(9, fault(NotMade)) }, one},
		{"an open breaker counts on",
			func(b *bench) { b.sees(1, limited(time.Hour)).sees(1, status(503)) }, one},
		{"a trial that fails counts once",
			func(b *bench) { b.sees(1, limited(time.Hour)).at(time.Hour).trial(status(503)) }, one},
		{"a trial that succeeds counts once",
			func(b *bench) {
				b.sees(1, status(503)).sees(1, limited(time.Hour)).at(time.Hour).trial(status(200))
			}, 90_000_000},
		{"a trial told to wait or to stop does not count",
			func(b *bench) {
				b.sees(1, status(503)).sees(1, limited(time.Hour)).at(time.Hour).trial(limited(second))
				b.at(2 * time.Hour).trial(limited(time.Hour))
			}, one},
		{"an answer of a trial that is none any more counts once",
			func(b *bench) { b.TrialDone(&b.config, b.clock(), outcome(status(503).Response)) }, one},
		{"a hold probe counts once",
			func(b *bench) { b.sees(1, limited(time.Hour)).holdProbe(status(503)) }, one},
		{"a hold probe told to stop does not count",
			func(b *bench) { b.sees(1, limited(time.Hour)).holdProbe(limited(2 * time.Hour)) }, 0},
		{"a hold probe of a closed breaker counts once", func(b *bench) { b.holdProbe(status(503)) }, one},
		{"a reset keeps it",
			func(b *bench) { b.sees(1, status(503)).sees(1, limited(time.Hour)).Close(b.clock(), resetReason) }, one},
		{"it comes near always and no further", func(b *bench) { b.sees(1000, status(503)) }, always - 9},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newAdaptiveBench()
			tt.do(b)
			if b.averages.failureRate != tt.want {
				t.Errorf("failure rate = %d, want %d of %d", b.averages.failureRate, tt.want, int64(always))
			}
		})
	}
}

func TestAdaptiveThreshold(t *testing.T) {
	low, high := int64(always/10), int64(always/10*9)
	tests := []struct {
		name             string
		configured, want int
		rate             int64
	}{
		{"doubled at no failures", 5, 10, 0},
		{"doubled at 10 percent", 5, 10, low},
		{"as configured above", 5, 5, low + 1},
		{"as configured below 90 percent", 5, 5, high - 1},
		{"halved at 90 percent, rounded down", 5, 2, high},
		{"halved at nothing but failures", 8, 4, always},
		{"doubled to 20 at most", 11, 20, 0},
		{"20 at most where it is as configured", 50, 20, always / 2},
		{"halved, and 20 at most", 50, 20, always},
		{"halved to 2 at least", 3, 2, always},
		{"2 at least where it is as configured", 1, 2, always / 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newAdaptiveBench()
			b.config.FailureThreshold = tt.configured
			b.averages.failureRate = tt.rate
			if got := b.failureThreshold(&b.config); got != tt.want {
				t.Errorf("threshold = %d, want %d", got, tt.want)
			}
			b.config.Adaptive = nil
			if got := b.failureThreshold(&b.config); got != tt.configured {
				t.Errorf("threshold in mode Fixed = %d, want %d", got, tt.configured)
			}
		})
	}
}

// The failure that is being counted moves the rate before the threshold is read: the seventh in a row lifts it
// above a half.
func TestAdaptiveThresholdIsReadAfterTheRate(t *testing.T) {
	b := newAdaptiveBench()
	b.config.Adaptive.LowFailurePercent = 50 // 10 failures up to there, 5 above
	if b.sees(6, status(503)); b.State() != Closed {
		t.Fatal("open after six failures")
	}
	if b.sees(1, status(503)); b.State() != Open {
		t.Error("closed after seven failures")
	}
}

// A breaker in mode Fixed learns nothing that mode Adaptive could begin with.
func TestFixedLearnsNothing(t *testing.T) {
	b := newBench()
	b.opened(0).at(100*second).trial(status(503)).holdProbe(status(200)).sees(1, status(503))
	if b.averages != (averages{}) {
		t.Errorf("averages = %+v, want none", b.averages)
	}
}

func TestAdaptiveBounds(t *testing.T) {
	b := newAdaptiveBench()
	b.config.Adaptive = &AdaptiveConfig{
		LowFailurePercent: 20, HighFailurePercent: 80, MinFailureThreshold: 4, MaxFailureThreshold: 7,
		MinOpenDuration: 70 * second, MaxOpenDuration: 80 * second,
	}
	for rate, want := range map[int64]int{always / 5: 7, always/5 + 1: 5, always/5*4 - 1: 5, always / 5 * 4: 4} {
		b.averages.failureRate = rate
		if got := b.failureThreshold(&b.config); got != want {
			t.Errorf("threshold at a rate of %d = %d, want %d", rate, got, want)
		}
	}
	for openFor, want := range map[time.Duration]time.Duration{second: 70 * second, 75 * second: 75 * second, time.Hour: 80 * second} {
		b.averages.openFor, b.averages.sampled = openFor, true
		if got := b.openDuration(&b.config); got != want {
			t.Errorf("open duration at an average of %v = %v, want %v", openFor, got, want)
		}
	}
}

func TestAdaptiveOpenDuration(t *testing.T) {
	success, failure := status(200), status(503)
	tests := []struct {
		name string
		do   func(b *bench)
		want time.Duration // of the next opening
	}{
		{"as configured before the first closing", func(*bench) {}, 60 * second},
		{"the first closing", func(b *bench) { b.opened(0).at(100 * second).trial(success) }, 72 * second},
		{"the second closing",
			func(b *bench) {
				b.opened(0).at(100 * second).trial(success).opened(200 * second).at(272 * second).trial(success)
			}, 72 * second},
		{"from the newest opening, HalfOpen to Open included",
			func(b *bench) { b.opened(0).at(60 * second).trial(failure).at(130 * second).trial(success) }, 63 * second},
		{"not from a STOP that found it open",
			func(b *bench) {
				b.opened(0).at(20*second).sees(1, limited(3*time.Minute)).at(200 * second).trial(success)
			}, 102 * second},
		{"to the closing, not to the first success",
			func(b *bench) {
				b.config.SuccessThreshold = 2
				b.opened(0).at(60 * second).trial(success).at(100 * second).trial(success)
			}, 72 * second},
		{"a hold probe closes", func(b *bench) { b.opened(0).at(10 * second).holdProbe(success) }, 45 * second},
		{"a forced opening is one", func(b *bench) { b.sees(1, limited(300*second)).at(300 * second).trial(success) }, 132 * second},
		{"a reset is no sample",
			func(b *bench) { b.opened(0).at(10*second).Close(b.clock(), resetReason) }, 60 * second},
		{"a reset keeps the average",
			func(b *bench) {
				b.opened(0).at(100 * second).trial(success)
				b.opened(200*second).at(210*second).Close(b.clock(), resetReason)
			}, 72 * second},
		{"a clock that was turned back counts as 0",
			func(b *bench) { b.opened(100 * second).at(20 * second).holdProbe(success) }, 42 * second},
		{"10 s at least, of the average as well as of what is configured",
			func(b *bench) { b.config.OpenDuration = 5 * second }, 10 * second},
		{"10 s at least",
			func(b *bench) {
				b.config.OpenDuration = 10 * second
				b.opened(0).at(second).holdProbe(success)
			}, 10 * second},
		{"10 min at most", func(b *bench) { b.opened(0).at(2 * time.Hour).trial(success) }, 10 * time.Minute},
		{"10 min at most of what is configured", func(b *bench) { b.config.OpenDuration = time.Hour }, 10 * time.Minute},
		{"mode Fixed", func(b *bench) {
			b.config.Adaptive = nil
			b.opened(0).at(100 * second).trial(success)
		}, 60 * second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newAdaptiveBench()
			tt.do(b)
			at := 10 * time.Hour
			b.Close(b.clock(), resetReason)
			b.at(at).sees(20, failure)
			if got := b.OpenUntil().Sub(epoch().Add(at)); got != tt.want {
				t.Errorf("opens for %v, want %v", got, tt.want)
			}
			b.at(20 * time.Hour).trial(failure)
			if got := b.OpenUntil().Sub(b.clock()); got != tt.want {
				t.Errorf("opens again for %v, want %v", got, tt.want)
			}
		})
	}
}

// The average that a closing has moved is kept in full: only what is read of it is bounded.
func TestAdaptiveAverageIsNotBounded(t *testing.T) {
	var a averages
	a.sample(time.Minute, time.Hour)
	a.sample(time.Minute, time.Minute)
	if want := 803400 * ms; a.openFor != want { // (60 s x 0.7 + 3600 s x 0.3) x 0.7 + 60 s x 0.3
		t.Errorf("average = %v, want %v", a.openFor, want)
	}
}

// A forced opening lasts for the configured openDuration at least, whatever the average says.
func TestForceOpenIgnoresAverages(t *testing.T) {
	for _, average := range []time.Duration{20 * second, 300 * second} {
		b := newAdaptiveBench()
		b.config.RetryAfterThreshold = second
		b.averages.openFor, b.averages.sampled = average, true
		b.sees(1, limited(2*second))
		if got, want := b.OpenUntil(), epoch().Add(60*second); !got.Equal(want) {
			t.Errorf("average %v: open until %v, want %v", average, got, want)
		}
		b.at(60 * second).trial(limited(2 * second))
		if got, want := b.OpenUntil(), epoch().Add(60*second+max(average, 60*second)); !got.Equal(want) {
			t.Errorf("average %v: open until %v after a trial told to stop, want %v", average, got, want)
		}
	}
}

func TestLimits(t *testing.T) {
	tests := []struct {
		name     string
		adaptive *AdaptiveConfig
		averages averages
		want     Limits
	}{
		{"mode Fixed", nil, averages{openFor: second, sampled: true}, Limits{}},
		{"as configured", new(DefaultAdaptive()), averages{failureRate: always / 2}, Limits{}},
		{"another threshold", new(DefaultAdaptive()), averages{failureRate: always}, Limits{FailureThreshold: 2}},
		{"another duration, in whole seconds", new(DefaultAdaptive()),
			averages{failureRate: always / 2, openFor: 72400 * ms, sampled: true}, Limits{OpenDuration: 72 * second}},
		{"a duration that is shown as the configured one", new(DefaultAdaptive()),
			averages{failureRate: always / 2, openFor: 60400 * ms, sampled: true}, Limits{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench()
			b.config.Adaptive = tt.adaptive
			b.averages = tt.averages
			if got := b.limits(&b.config); got != tt.want {
				t.Errorf("limits = %+v, want %+v", got, tt.want)
			}
		})
	}
}
