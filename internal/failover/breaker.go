// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "time"

// State is the state of a breaker.
type State uint8

// The states of a breaker. HalfOpen is never stored: it is stored as Open.
const (
	Closed State = iota
	Open
	HalfOpen
)

// String returns the state in the spelling that the API uses.
func (s State) String() string { return [...]string{"Closed", "Open", "HalfOpen"}[s] }

// Source says who saw an outcome.
type Source uint8

// The sources of outcomes.
const (
	ByProbe Source = iota
	ByTraffic
)

// String returns the source in the spelling that the API uses.
func (s Source) String() string { return [...]string{"Probe", "Traffic"}[s] }

func (s Source) plural() string { return [...]string{"probes", "real traffic"}[s] }

// BreakerConfig holds the limits of one region's breaker.
type BreakerConfig struct {
	// FailureThreshold is the number of failures in a row that open it, at least 1.
	FailureThreshold int
	// SuccessThreshold is the number of successful trials in a row that close it, at least 1.
	SuccessThreshold int
	// OpenDuration is how long it stays open before a trial, at least 1 s.
	OpenDuration time.Duration
	// RetryAfterThreshold parts a Retry-After that is waited out from one that opens the breaker.
	RetryAfterThreshold time.Duration
	// SlowThreshold is the latency above which a success is slow; 0 for none.
	SlowThreshold time.Duration
	// SlowPercent is the share of the newest calls that must be slow before slow ones count as failures.
	SlowPercent int
	// Adaptive lets FailureThreshold and OpenDuration follow what the breaker sees; nil leaves them as they are.
	Adaptive *AdaptiveConfig
}

// Breaker is the circuit breaker of one region. The zero value is Closed.
type Breaker struct {
	state     State
	failures  int // in a row, while Closed
	successes int // of trials and hold probes in a row, while not Closed
	openings  uint64

	averages averages
	pace     pace

	since     time.Time // of Closed, or of the opening from Closed
	failing   time.Time // since when failures follow each other; zero if that was not seen
	openedAt  time.Time // of the newest opening, also from HalfOpen; zero for one that was read from the store
	openUntil time.Time // zero while Closed
	heldUntil time.Time // a Retry-After: no hold probe and no switch before
	// openHeld is heldUntil at the newest opening. It is what is stored: a wish to wait that comes while
	// the breaker is open is not worth a write.
	openHeld time.Time

	reason    string
	openedBy  Source // of the opening from Closed, or of what forced it open since
	transport bool   // a transport error of a probe opened it
}

// State returns the state.
func (b *Breaker) State() State { return b.state }

// OpenUntil returns the end of the open window; zero while Closed.
func (b *Breaker) OpenUntil() time.Time { return b.openUntil }

// Record takes an outcome of a call that is no trial. While the breaker is not Closed such an outcome is
// ignored, except a Retry-After above the threshold, which always applies.
func (b *Breaker) Record(c *BreakerConfig, now time.Time, o Outcome, by Source) {
	if o.Class == Success {
		b.failures = 0 // as they are where it is not Closed
		if c.Adaptive == nil {
			return // nearly all are such, and so short a function is compiled into its callers
		}
	}
	b.record(c, now, &o, by)
}

// record does what is left of Record, where more than a success in a row is to be noted.
func (b *Breaker) record(c *BreakerConfig, now time.Time, o *Outcome, by Source) {
	if c.Adaptive != nil {
		b.averages.count(*o)
	}
	switch o.Class {
	case Failure:
		b.fail(c, now, o, by)
	case RateLimited:
		b.rateLimited(c, now, *o, by)
	case Success, Unknown, Excluded:
	}
}

func (b *Breaker) fail(c *BreakerConfig, now time.Time, o *Outcome, by Source) {
	if b.state != Closed {
		return
	}
	if b.failures == 0 {
		b.failing = now
	}
	b.failures++
	if b.failures >= b.failureThreshold(c) {
		b.open(now, now.Add(b.openDuration(c)), *o, by)
	}
}

// rateLimited tells a 429 apart: without a Retry-After it is a failure (CAP), with one up to the threshold
// it is neither failure nor success (WAIT), with a longer one it forces the breaker open (STOP).
func (b *Breaker) rateLimited(c *BreakerConfig, now time.Time, o Outcome, by Source) {
	switch {
	case o.Cause == QuotaExhausted:
		b.exhausted(c, now, o, by)
	case !o.RetryAfter.Given:
		b.fail(c, now, &o, by)
	case o.RetryAfter.Delay <= c.RetryAfterThreshold:
		b.hold(now, o)
	default:
		b.hold(now, o)
		b.ForceOpen(c, now, o.RetryAfter.Delay, o, by)
	}
}

// exhausted forces the breaker open for [QuotaHold] at least: patience does not bring a quota back. It may be
// raised by a person at any time, and so keeps no probe from looking while no region answers.
func (b *Breaker) exhausted(c *BreakerConfig, now time.Time, o Outcome, by Source) {
	if o.RetryAfter.Given {
		b.hold(now, o)
	}
	b.ForceOpen(c, now, max(QuotaHold, o.RetryAfter.Delay), o, by)
}

func (b *Breaker) hold(now time.Time, o Outcome) {
	b.heldUntil = later(b.heldUntil, now.Add(o.RetryAfter.Delay))
}

// ForceOpen opens the breaker from any state for at least d and at least the configured OpenDuration.
// A shorter call never shrinks the window of a longer one.
func (b *Breaker) ForceOpen(c *BreakerConfig, now time.Time, d time.Duration, o Outcome, by Source) {
	until := later(b.openUntil, now.Add(max(c.OpenDuration, d)))
	b.open(now, until, o, by)
}

// open opens the breaker, or opens it again: only an opening from Closed is a transition.
func (b *Breaker) open(now, until time.Time, o Outcome, by Source) {
	if b.state == Closed {
		if b.failures == 0 { // something else than failures in a row opens it
			b.failing = now
		}
		b.openings++
		b.since = now
	}
	if b.state != Open {
		b.openedAt = now
	}
	b.state = Open
	b.failures, b.successes = 0, 0
	b.openUntil = until
	b.openHeld = b.heldUntil
	b.reason = o.Reason()
	b.openedBy = by
	b.transport = by == ByProbe && o.Fault.transport()
}

// AdmitTrial moves an Open breaker whose window has ended to HalfOpen, and says whether a trial may start.
// The caller keeps it to one trial at a time.
func (b *Breaker) AdmitTrial(now time.Time) bool {
	if b.state == Open && !now.Before(b.openUntil) {
		b.state = HalfOpen
		b.successes = 0
	}
	return b.state == HalfOpen
}

// TrialDone takes the answer of the one trial of a HalfOpen breaker. SuccessThreshold successes in a row
// close it; anything else, also a trial without an answer, opens it again. Who opened it at first stays
// noted: what real traffic has seen is not outweighed by a probe that failed as well.
func (b *Breaker) TrialDone(c *BreakerConfig, now time.Time, o Outcome) {
	if b.state != HalfOpen {
		b.Record(c, now, o, ByProbe)
		return
	}
	if c.Adaptive != nil {
		b.averages.count(o)
	}
	if o.Class == Success {
		b.succeed(c, now)
		return
	}
	d := b.openDuration(c)
	if o.Cause == QuotaExhausted {
		d = max(d, c.OpenDuration, QuotaHold)
	}
	if o.Class == RateLimited && o.RetryAfter.Given {
		b.hold(now, o)
		d = max(d, o.RetryAfter.Delay)
		if o.RetryAfter.Delay > c.RetryAfterThreshold { // forced open, so for OpenDuration at least
			d = max(d, c.OpenDuration)
		}
	}
	b.open(now, now.Add(d), o, b.openedBy)
}

// HoldDone takes the answer of a probe that was made although the breaker is not Closed, because no region
// answers. Its successes close the breaker as those of trials do; its failures do not extend the window.
func (b *Breaker) HoldDone(c *BreakerConfig, now time.Time, o Outcome) {
	if b.state == Closed {
		b.Record(c, now, o, ByProbe)
		return
	}
	if c.Adaptive != nil {
		b.averages.count(o)
	}
	switch {
	case o.Class == Success:
		b.succeed(c, now)
	case o.Class == RateLimited && (o.RetryAfter.Given || o.Cause == QuotaExhausted):
		b.successes = 0
		b.rateLimited(c, now, o, ByProbe)
	default:
		b.successes = 0
	}
}

func (b *Breaker) succeed(c *BreakerConfig, now time.Time) {
	b.successes++
	if b.successes >= c.SuccessThreshold {
		b.recovered(c, now)
	}
}

// recovered closes the breaker because the region serves again, and remembers how long that took.
func (b *Breaker) recovered(c *BreakerConfig, now time.Time) {
	if c.Adaptive != nil && !b.openedAt.IsZero() {
		b.averages.sample(c.OpenDuration, now.Sub(b.openedAt))
	}
	b.Close(now, recoveredReason)
}

// Why a breaker is Closed again.
const (
	recoveredReason       = "Recovered"
	resetReason           = "Reset"
	endpointChangedReason = "EndpointChanged"
)

// Close closes the breaker from any state and clears count and windows: a reset, a region that serves
// again, or an endpoint that is no longer the one that failed. What it has learned on average stays.
func (b *Breaker) Close(now time.Time, reason string) {
	if b.state == Closed {
		b.failures = 0
		b.heldUntil = time.Time{}
		return
	}
	*b = Breaker{openings: b.openings, averages: b.averages, since: now, reason: reason}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
