// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "time"

// AdaptiveConfig bounds the limits of a breaker that follow what the breaker has seen.
type AdaptiveConfig struct {
	// LowFailurePercent and HighFailurePercent, 1 to 99, are held against the average failure rate: up to
	// the first the failure threshold is doubled, from the second on it is halved.
	LowFailurePercent, HighFailurePercent int
	// MinFailureThreshold and MaxFailureThreshold bound the failure threshold that results, at least 1.
	MinFailureThreshold, MaxFailureThreshold int
	// MinOpenDuration and MaxOpenDuration bound the open duration that results, at least 1 s.
	MinOpenDuration, MaxOpenDuration time.Duration
}

// DefaultAdaptive returns the bounds of a spec that sets none.
func DefaultAdaptive() AdaptiveConfig {
	return AdaptiveConfig{
		LowFailurePercent: 10, HighFailurePercent: 90,
		MinFailureThreshold: 2, MaxFailureThreshold: 20,
		MinOpenDuration: 10 * time.Second, MaxOpenDuration: 10 * time.Minute,
	}
}

// always is the failure rate of a region that always fails. Rates are whole numbers, so that they are the
// same on every machine.
const always = 1_000_000_000

// averages are what an adaptive breaker remembers, also over a reset. The zero value knows nothing.
type averages struct {
	failureRate int64         // 0 to always, exponentially weighted by 1/10
	openFor     time.Duration // how long it was open, exponentially weighted by 3/10; read it if sampled
	sampled     bool
}

// count moves the failure rate by a Success or a Failure. What says neither does not move it.
func (a *averages) count(o Outcome) {
	switch {
	case o.Class == Success:
		a.failureRate -= a.failureRate / 10
	case o.failed():
		a.failureRate += (always - a.failureRate) / 10
	}
}

// sample takes the time between the newest opening and the closing. The first is averaged with the
// configured open duration; a negative one, by a clock that was turned back, counts as 0.
func (a *averages) sample(configured, d time.Duration) {
	if !a.sampled {
		a.openFor, a.sampled = configured, true
	}
	a.openFor = (7*a.openFor + 3*max(d, 0)) / 10
}

// failureThreshold returns the number of failures in a row that open the breaker.
func (b *Breaker) failureThreshold(c *BreakerConfig) int {
	a := c.Adaptive
	if a == nil {
		return c.FailureThreshold
	}
	n := c.FailureThreshold
	switch {
	case b.averages.failureRate <= always/100*int64(a.LowFailurePercent):
		n *= 2
	case b.averages.failureRate >= always/100*int64(a.HighFailurePercent):
		n /= 2
	}
	return min(max(n, a.MinFailureThreshold), a.MaxFailureThreshold)
}

// openDuration returns how long the breaker stays open before a trial, unless it is forced open.
func (b *Breaker) openDuration(c *BreakerConfig) time.Duration {
	a := c.Adaptive
	if a == nil {
		return c.OpenDuration
	}
	d := c.OpenDuration
	if b.averages.sampled {
		d = b.averages.openFor
	}
	return min(max(d, a.MinOpenDuration), a.MaxOpenDuration)
}

// longestOpening returns the longest window that no Retry-After explains.
func (c *BreakerConfig) longestOpening() time.Duration {
	if c.Adaptive == nil {
		return c.OpenDuration
	}
	return max(c.OpenDuration, c.Adaptive.MaxOpenDuration)
}

// Limits are what an adaptive breaker goes by, for a person to read. What is as configured is 0.
type Limits struct {
	FailureThreshold int
	OpenDuration     time.Duration // in whole seconds
	// MinDuration is how long traffic stays elsewhere before it goes back to a region that flaps.
	MinDuration time.Duration
}

func (b *Breaker) limits(c *BreakerConfig) Limits {
	var l Limits
	if n := b.failureThreshold(c); n != c.FailureThreshold {
		l.FailureThreshold = n
	}
	d := b.openDuration(c)
	if shown := d.Round(time.Second); d != c.OpenDuration && shown != c.OpenDuration {
		l.OpenDuration = shown
	}
	return l
}
