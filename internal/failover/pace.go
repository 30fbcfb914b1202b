// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "math/bits"

// paceWindow is how many of the newest successes a breaker remembers as slow or not.
const paceWindow = 10

// pace is a bit for each of the newest successes, set if it was slow. Calls that were not made were not slow.
type pace uint16

// weigh turns a slow success into a failure once enough of the newest ones were slow. It is asked once for
// each outcome.
func (b *Breaker) weigh(c *BreakerConfig, o Outcome) Outcome {
	if c.SlowThreshold <= 0 || o.Class != Success {
		return o
	}
	b.pace = b.pace << 1 & (1<<paceWindow - 1)
	if o.Latency <= c.SlowThreshold {
		return o
	}
	b.pace |= 1
	if bits.OnesCount16(uint16(b.pace))*100 >= c.SlowPercent*paceWindow {
		o.Class, o.slow = Failure, true
	}
	return o
}
