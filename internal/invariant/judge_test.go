// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package invariant

import (
	"slices"
	"testing"
	"time"
)

type history struct {
	name string
	tell func(h *teller)
}

// keeping are histories that keep every rule.
var keeping = []history{
	{"first publication", func(*teller) {}},
	{"failover, failback and rest", func(h *teller) {
		h.publish(0.1, 0, 0)
		h.failsOver()
		h.publish(10.3, 2, 1)
		h.recovers(20)
		h.answers(40.2, "us-east", Success)
		h.move(40.2, FailedBack, "us-east")
		h.store(40.2)
		h.publish(40.3, 4, 0)
		h.Converged(at(60))
		h.AtRest()
		h.answers(65, "eu-west", Success)
		h.Spec(at(66), h.spec)
	}},
	{"a success that closes the breaker is evidence if the failback is due", func(h *teller) {
		h.failsOver()
		h.answers(45, "us-east", Success)
		h.breaker(45, "us-east", false)
		h.move(45, FailedBack, "us-east")
		h.store(45)
	}},
	{"the active region leaves the spec", func(h *teller) {
		h.edit(5, func(s *Spec) { s.Regions = s.Regions[1:] })
		h.record.Breakers = h.record.Breakers[1:]
		h.answers(5.2, "local", Success)
		h.move(5.2, FailedOver, "local")
		h.store(5.2)
	}},
	{"closed for a moment: the probes of the first time count", func(h *teller) {
		h.answers(9, "us-east", Failure)
		h.Answered(Answer{Region: "eu-west", Started: at(9.3), Finished: at(10.2), Class: Success})
		h.answers(9.5, "us-east", Success)
		h.answers(9.6, "us-east", Failure)
		h.answers(9.7, "us-east", Failure)
		h.breaker(9.7, "us-east", true)
		h.move(10.2, FailedOver, "eu-west")
		h.store(10.2)
	}},
	{"one long Retry-After opens", func(h *teller) {
		h.Answered(Answer{Region: "local", Started: at(3), Finished: at(4), Class: RateLimited, RetryAfter: new(time.Hour)})
		h.breaker(4, "local", true)
		h.store(4)
	}},
	{"a threshold that the operator has not read yet", func(h *teller) {
		h.edit(1, func(s *Spec) { s.Generation = 1 })
		h.record.ObservedGeneration = 1
		h.store(2)
		h.edit(3, func(s *Spec) { s.Generation, s.Regions[0].FailureThreshold = 2, 3 })
		h.fails()
		h.store(10)
	}},
	{"a route that is gone fails", func(h *teller) {
		h.answers(2, "local", Success)
		h.Answered(Answer{Region: "local", Started: at(3), Finished: at(4), Class: Excluded, Gone: true})
		h.Answered(Answer{Region: "local", Started: at(5), Finished: at(6), Class: Excluded, Gone: true})
		h.breaker(6, "local", true)
		h.store(6)
	}},
	{"switch, pinned", func(h *teller) {
		h.order(5, OrderSet{Switch: "1", SwitchTo: "local"})
		h.answers(5.5, "local", Success)
		h.move(5.5, SwitchedOver, "local")
		h.record.HandledSwitch, h.record.Pinned = "1", true
		h.store(5.5)
		h.Converged(at(60))
	}},
	{"reset of a reset that was long ago", func(h *teller) {
		h.failsOver()
		for i, token := range []string{"1", "2", "1"} {
			s := float64(20 + i)
			h.order(s, OrderSet{Reset: token})
			h.resets(s)
		}
	}},
	{"as many failovers as there may be in an hour, and others later", func(h *teller) {
		h.edit(1, func(s *Spec) { s.MaxPerHour = 1 })
		h.failsOver()
		h.leaves(3610.3, "local")
	}},
	{"an order between two failovers", func(h *teller) {
		h.edit(1, func(s *Spec) { s.MaxPerHour = 1 })
		h.failsOver()
		h.order(20, OrderSet{Switch: "1", SwitchTo: "local"})
		h.answers(20.5, "local", Success)
		h.move(20.5, SwitchedOver, "local")
		h.record.HandledSwitch = "1"
		h.store(20.5)
		h.leaves(30, "eu-west")
	}},
	{"failback to a region that flaps, late enough", func(h *teller) {
		h.edit(1, func(s *Spec) { s.MaxMinDuration = time.Minute })
		h.flaps()
		h.failsBack(110.5)
	}},
	{"a status whose history was refused", func(h *teller) {
		h.fails()
		h.answers(10.2, "eu-west", Success)
		h.move(10.2, FailedOver, "eu-west")
		h.record.History = nil
		h.store(10.2)
	}},
	{"the clock of a new process is ahead", func(h *teller) {
		h.failsOver()
		h.recovers(20)
		h.Restarted(at(25), 20*time.Second)
		h.answers(26, "us-east", Success)
		h.move(46, FailedBack, "us-east")
		h.store(26)
	}},
	{"another object of the same name", func(h *teller) {
		h.failsOver()
		h.publish(11, 2, 1)
		h.record = Record{UID: "another", ActiveRegion: "us-east", ActiveSince: at(20)}
		h.store(20)
		h.Published(at(21), []Slice{{UID: "another", Family: "IPv4", Region: "us-east"}})
	}},
	{"a backup is restored", func(h *teller) {
		backup := h.record
		h.failsOver()
		h.record = backup
		h.Restored(at(12), backup)
		h.store(13)
	}},
	{"a backup is restored from before the clock was set back", func(h *teller) {
		h.failsOver()
		h.Restarted(at(12), -9*time.Second)
		h.Restored(at(12.5), h.record)
		h.answers(13, "us-east", Success)
		h.breaker(4, "us-east", false)
		h.store(13)
		h.answers(43, "us-east", Success)
		h.move(34, FailedBack, "us-east")
		h.store(43)
	}},
}

// resets stores a reset of the newest order.
func (h *teller) resets(seconds float64) {
	breakers := slices.Clone(h.record.Breakers)
	for i := range breakers {
		breakers[i].Open = false
	}
	h.record.Breakers, h.record.HandledReset, h.record.Pinned = breakers, h.orders.Reset, false
	h.move(seconds, WasReset, "us-east")
	h.store(seconds)
}

func TestKept(t *testing.T) {
	for _, tt := range keeping {
		t.Run(tt.name, func(t *testing.T) {
			h := tell()
			tt.tell(h)
			h.check(t, "")
		})
	}
}

func TestBroken(t *testing.T) {
	for rule, histories := range broken() {
		for _, tt := range histories {
			t.Run(tt.name, func(t *testing.T) {
				h := tell()
				tt.tell(h)
				h.check(t, rule)
			})
		}
	}
}

// Every rule is seen to be broken by some history.
func TestEveryRuleCanBeBroken(t *testing.T) {
	for _, rule := range Rules() {
		if len(broken()[rule]) == 0 && rule != Same {
			t.Errorf("no history breaks: %s", rule)
		}
	}
}

func TestSameOutput(t *testing.T) {
	if v := SameOutput([]string{"a", "b"}, []string{"a", "b"}); v != nil {
		t.Errorf("unexpected: %v", v)
	}
	for _, other := range [][]string{{"a"}, {"a", "c"}, {"a", "b", "c"}, nil} {
		if v := SameOutput([]string{"a", "b"}, other); v == nil || v.Rule != Same {
			t.Errorf("%v was taken for the same", other)
		}
	}
}

// On a real API server times are a little off: what would break a rule by less than the slack is none.
func TestSlack(t *testing.T) {
	for _, tt := range []struct {
		late float64
		rule Rule
	}{{0.09, ""}, {0.31, MinDuration}} {
		h := tell()
		h.options.Slack = 300 * time.Millisecond
		h.failsOver()
		h.recovers(20)
		h.answers(40.2-tt.late, "us-east", Success)
		h.move(40.2-tt.late, FailedBack, "us-east")
		h.store(40.2 - tt.late)
		h.check(t, tt.rule)
	}
}
