// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestOutage: an outage begins with the first of the failures in a row that opened the breaker.
func TestOutage(t *testing.T) {
	start := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	failure, success := Outcome{Class: Failure, Status: 503}, Outcome{Class: Success, Status: 200}
	stop := Outcome{Class: RateLimited, Status: 429, RetryAfter: RetryAfter{Given: true, Delay: time.Hour}}
	tests := map[string]struct {
		outcomes []Outcome // one each second
		want     Outage
	}{
		"failures in a row":                {[]Outcome{failure, failure, failure}, Outage{at(0), at(2)}},
		"a success between":                {[]Outcome{failure, failure, success, failure, failure, failure}, Outage{at(3), at(5)}},
		"opened at once":                   {[]Outcome{success, stop}, Outage{at(1), at(1)}},
		"opened at once, while failing":    {[]Outcome{success, failure, stop}, Outage{at(1), at(2)}},
		"what comes after counts no more":  {[]Outcome{failure, failure, failure, failure, stop}, Outage{at(0), at(2)}},
		"opened again by a trial, not new": {[]Outcome{failure, failure, failure, {}, failure}, Outage{at(0), at(2)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := BreakerConfig{FailureThreshold: 3, SuccessThreshold: 1, OpenDuration: time.Second}
			m := &Machine{regions: make([]region, 1)}
			b := &m.regions[0].breaker
			for i, o := range test.outcomes {
				if b.AdmitTrial(at(i)) {
					b.TrialDone(&c, at(i), o)
				} else {
					b.Record(&c, at(i), o, ByProbe)
				}
			}
			if diff := cmp.Diff(test.want, m.outage()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("read from the store", func(t *testing.T) {
		m := &Machine{regions: []region{{breaker: Breaker{state: Open, since: start}}}}
		if got := m.outage(); got != (Outage{start, start}) {
			t.Errorf("got %v, want that it began with the opening", got)
		}
	})
	t.Run("a region that left the spec", func(t *testing.T) {
		if got := (&Machine{active: -1}).outage(); got != (Outage{}) {
			t.Errorf("got %v, want none", got)
		}
	})
}
