// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "time"

// modelBreaker is a breaker as the rules describe it, in the plainest words: a window that lasts until a time, and
// counts. It shares no code with Breaker.
type modelBreaker struct {
	open      bool      // a window was opened and nothing has closed it
	until     time.Time // end of the window
	trying    bool      // the window is over and a trial was admitted
	failures  int       // in a row
	successes int       // in a row, of trials and hold probes

	rate     float64       // average failure rate
	recovery time.Duration // average time to recover, rounded down each time; negative before the first
	opened   time.Time
}

func (m *modelBreaker) state() State {
	switch {
	case m.open && m.trying:
		return HalfOpen
	case m.open:
		return Open
	default:
		return Closed
	}
}

// near is how far the average rate may be off: whole numbers round at each step.
const near = 1e-7

func (m *modelBreaker) threshold(c BreakerConfig) int {
	a := c.Adaptive
	if a == nil {
		return c.FailureThreshold
	}
	n := c.FailureThreshold
	if m.rate <= float64(a.LowFailurePercent)/100+near {
		n = 2 * c.FailureThreshold
	} else if m.rate >= float64(a.HighFailurePercent)/100-near {
		n = c.FailureThreshold / 2
	}
	return max(a.MinFailureThreshold, min(n, a.MaxFailureThreshold))
}

func (m *modelBreaker) window(c BreakerConfig) time.Duration {
	a := c.Adaptive
	if a == nil {
		return c.OpenDuration
	}
	d := c.OpenDuration
	if m.recovery >= 0 {
		d = m.recovery
	}
	return max(a.MinOpenDuration, min(d, a.MaxOpenDuration))
}

func (m *modelBreaker) openFor(now time.Time, d time.Duration) {
	if !m.open || m.trying {
		m.opened = now
	}
	m.open, m.trying, m.failures, m.successes = true, false, 0, 0
	m.until = now.Add(d)
}

// forceOpen never shortens a window.
func (m *modelBreaker) forceOpen(c BreakerConfig, now time.Time, d time.Duration) {
	before := m.until
	m.openFor(now, max(c.OpenDuration, d))
	if before.After(m.until) {
		m.until = before
	}
}

func (m *modelBreaker) learn(c BreakerConfig, o Outcome) {
	if c.Adaptive == nil {
		return
	}
	switch {
	case o.Class == Success:
		m.rate *= 0.9
	case o.Class == Failure, capped(o):
		m.rate = 0.9*m.rate + 0.1
	}
}

// capped, waits and stops are the three kinds of a 429.
func capped(o Outcome) bool { return o.Class == RateLimited && !o.RetryAfter.Given && !spent(o) }
func waits(c BreakerConfig, o Outcome) bool {
	return o.Class == RateLimited && o.RetryAfter.Given && o.RetryAfter.Delay <= c.RetryAfterThreshold && !spent(o)
}
func stops(c BreakerConfig, o Outcome) bool {
	return o.Class == RateLimited && o.RetryAfter.Given && o.RetryAfter.Delay > c.RetryAfterThreshold || spent(o)
}

// spent is an exhausted quota, which stops for ten minutes at least.
func spent(o Outcome) bool { return o.Cause == QuotaExhausted }

func stopFor(o Outcome) time.Duration {
	if spent(o) {
		return max(o.RetryAfter.Delay, 10*time.Minute)
	}
	return o.RetryAfter.Delay
}

// record takes an outcome that is no trial's.
func (m *modelBreaker) record(c BreakerConfig, now time.Time, o Outcome) {
	m.learn(c, o)
	switch {
	case stops(c, o):
		m.forceOpen(c, now, stopFor(o))
	case m.open:
	case o.Class == Success:
		m.failures = 0
	case o.Class == Failure, capped(o):
		if m.failures++; m.failures >= m.threshold(c) {
			m.openFor(now, m.window(c))
		}
	}
}

// admit says whether a trial may start.
func (m *modelBreaker) admit(now time.Time) bool {
	if m.open && !m.trying && !now.Before(m.until) {
		m.trying, m.successes = true, 0
	}
	return m.trying
}

// trial takes the answer of the one trial.
func (m *modelBreaker) trial(c BreakerConfig, now time.Time, o Outcome) {
	if !m.trying {
		m.record(c, now, o)
		return
	}
	m.learn(c, o)
	switch {
	case o.Class == Success:
		m.succeed(c, now)
	case stops(c, o):
		m.openFor(now, max(m.window(c), c.OpenDuration, stopFor(o)))
	case waits(c, o):
		m.openFor(now, max(m.window(c), o.RetryAfter.Delay))
	default:
		m.openFor(now, m.window(c))
	}
}

// held takes the answer of a probe of a hold round.
func (m *modelBreaker) held(c BreakerConfig, now time.Time, o Outcome) {
	if !m.open {
		m.record(c, now, o)
		return
	}
	if o.Class != Success {
		m.successes = 0
	}
	switch {
	case stops(c, o):
		m.record(c, now, o)
	case o.Class == Success:
		m.learn(c, o)
		m.succeed(c, now)
	default:
		m.learn(c, o)
	}
}

func (m *modelBreaker) succeed(c BreakerConfig, now time.Time) {
	if m.successes++; m.successes < c.SuccessThreshold {
		return
	}
	if c.Adaptive != nil {
		if m.recovery < 0 {
			m.recovery = c.OpenDuration
		}
		m.recovery = (7*m.recovery + 3*now.Sub(m.opened)) / 10
	}
	m.close()
}

func (m *modelBreaker) close() {
	*m = modelBreaker{rate: m.rate, recovery: m.recovery}
}
