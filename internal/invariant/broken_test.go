// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package invariant

import "time"

// broken returns histories that break one rule each.
func broken() map[Rule][]history {
	return map[Rule][]history{
		InSpec: {
			{"first publication of a secondary", func(h *teller) {
				h.record = Record{UID: "another", ActiveRegion: "local"}
				h.store(1)
			}},
			{"failover to a region that left the spec", func(h *teller) {
				h.fails()
				h.answers(10.2, "local", Success)
				h.edit(10.3, func(s *Spec) { s.Regions = s.Regions[:2] })
				h.move(10.4, FailedOver, "local")
				h.store(10.4)
			}},
		},
		Evidence: {
			{"failover on a success of before", func(h *teller) {
				h.answers(9.9, "eu-west", Success)
				h.answers(10.3, "local", Success)
				h.fails()
				h.move(10.4, FailedOver, "eu-west")
				h.store(10.4)
			}},
			{"failover on what real traffic saw", func(h *teller) {
				h.fails()
				h.answers(10.3, "local", Success)
				h.Answered(Answer{Region: "eu-west", Started: at(10.2), Finished: at(10.3), Class: Success, ByTraffic: true})
				h.move(10.4, FailedOver, "eu-west")
				h.store(10.4)
			}},
			{"failover on a success that came after the decision", func(h *teller) {
				h.fails()
				h.answers(10.2, "local", Success)
				h.answers(10.6, "eu-west", Success)
				h.move(10.3, FailedOver, "eu-west")
				h.store(10.7)
			}},
			{"failover on a success of another endpoint", func(h *teller) {
				h.fails()
				h.answers(10.2, "eu-west", Success)
				h.answers(10.2, "local", Success)
				h.edit(10.3, func(s *Spec) { s.Regions[1].Identity = "another" })
				h.move(10.4, FailedOver, "eu-west")
				h.store(10.4)
			}},
			{"failover on a success of the process before", func(h *teller) {
				h.fails()
				h.store(10)
				h.answers(10.2, "eu-west", Success)
				h.Restarted(at(10.3), 0)
				h.answers(10.5, "local", Success)
				h.move(10.5, FailedOver, "eu-west")
				h.store(10.5)
			}},
			{"failover to a region whose breaker is open", func(h *teller) {
				h.answers(8, "eu-west", Failure)
				h.answers(9, "eu-west", Failure)
				h.breaker(9, "eu-west", true)
				h.failsOver()
			}},
			{"switch without an answer", func(h *teller) {
				h.answers(4, "local", Success)
				h.order(5, OrderSet{Switch: "1", SwitchTo: "local"})
				h.move(5.5, SwitchedOver, "local")
				h.record.HandledSwitch = "1"
				h.store(5.5)
			}},
		},
		Fresh: {
			{"failover on an old success", func(h *teller) {
				h.fails()
				h.answers(10.2, "eu-west", Success)
				h.move(15.3, FailedOver, "eu-west")
				h.store(15.3)
			}},
		},
		Cause: {
			{"failover from a region that serves", func(h *teller) {
				h.answers(10.2, "eu-west", Success)
				h.move(10.2, FailedOver, "eu-west")
				h.store(10.2)
			}},
		},
		Failures: {
			{"one failure of two", func(h *teller) {
				h.answers(10, "us-east", Failure)
				h.breaker(10, "us-east", true)
				h.store(10)
			}},
			{"as many failures as the spec before asked for", func(h *teller) {
				h.edit(1, func(s *Spec) { s.Generation = 1 })
				h.edit(2, func(s *Spec) { s.Generation, s.Regions[0].FailureThreshold = 2, 3 })
				h.record.ObservedGeneration = 2
				h.store(3)
				h.fails()
				h.store(10)
			}},
			{"unknown", func(h *teller) {
				h.answers(9, "us-east", Unknown)
				h.answers(10, "us-east", Unknown)
				h.breaker(10, "us-east", true)
				h.store(10)
			}},
			{"excluded", func(h *teller) {
				h.answers(9, "us-east", Excluded)
				h.answers(10, "us-east", Excluded)
				h.breaker(10, "us-east", true)
				h.store(10)
			}},
			{"not found, where nothing was ever found", func(h *teller) {
				for _, s := range []float64{9, 10} {
					h.Answered(Answer{Region: "local", Started: at(s), Finished: at(s), Class: Excluded, Gone: true})
				}
				h.breaker(10, "local", true)
				h.store(10)
			}},
			{"a Retry-After that is to be waited for", func(h *teller) {
				h.Answered(Answer{Region: "local", Started: at(3), Finished: at(4), Class: RateLimited, RetryAfter: new(time.Minute)})
				h.breaker(4, "local", true)
				h.store(4)
			}},
			{"failures of before a reset", func(h *teller) {
				h.answers(9, "us-east", Failure)
				h.order(9.5, OrderSet{Reset: "1"})
				h.resets(9.5)
				h.answers(10, "us-east", Failure)
				h.breaker(10, "us-east", true)
				h.store(10)
			}},
		},
		Hold: {
			{"failover although nobody answers", func(h *teller) {
				h.fails()
				h.answers(10.2, "eu-west", Failure)
				h.move(10.4, FailedOver, "eu-west")
				h.store(10.4)
			}},
			{"an empty slice", func(h *teller) { h.publish(1, 0) }},
			{"no slice any more", func(h *teller) {
				h.publish(1, 0, 0)
				h.Published(at(2), nil)
			}},
		},
		Once: {
			{"two failovers for one opening", func(h *teller) {
				h.failsOver()
				h.order(20, OrderSet{Switch: "1", SwitchTo: "us-east"})
				h.answers(20.5, "us-east", Success)
				h.breaker(20.5, "us-east", false)
				h.move(20.5, SwitchedOver, "us-east")
				h.record.HandledSwitch = "1"
				h.store(20.5)
				h.breaker(10, "us-east", true)
				h.answers(21, "eu-west", Success)
				h.move(21, FailedOver, "eu-west")
				h.store(21)
			}},
		},
		Limited: {
			{"one failover more than there may be in an hour", func(h *teller) {
				h.edit(1, func(s *Spec) { s.MaxPerHour = 1 })
				h.failsOver()
				h.leaves(30, "local")
			}},
		},
		Allowed: {
			{"failover in mode Observe", func(h *teller) {
				h.edit(1, func(s *Spec) { s.Mode = Observe })
				h.failsOver()
			}},
			{"failover in mode Disabled", func(h *teller) {
				h.edit(1, func(s *Spec) { s.Mode = Disabled })
				h.failsOver()
			}},
			{"failback in mode Observe", func(h *teller) {
				h.failsOver()
				h.recovers(20)
				h.edit(30, func(s *Spec) { s.Mode = Observe })
				h.failsBack(41)
			}},
			{"failover in a pause", func(h *teller) {
				h.order(1, OrderSet{Paused: true})
				h.failsOver()
			}},
			{"reset before the pause is over", func(h *teller) {
				h.order(1, OrderSet{Paused: true, PausedUntil: at(10), Reset: "1"})
				h.resets(9.9)
			}},
		},
		Preferred: {
			{"failback to a region that is not preferred", func(h *teller) {
				h.failsOver()
				h.answers(41, "local", Success)
				h.move(41, FailedBack, "local")
				h.store(41)
			}},
			{"failback from a pinned region", func(h *teller) {
				h.failsOver()
				h.record.Pinned = true
				h.recovers(20)
				h.failsBack(41)
			}},
			{"failback where that is left to people", func(h *teller) {
				h.failsOver()
				h.recovers(20)
				h.edit(30, func(s *Spec) { s.ManualFailback = true })
				h.failsBack(41)
			}},
			{"failback from a region that fails", func(h *teller) {
				h.failsOver()
				h.recovers(20)
				h.answers(39, "eu-west", Failure)
				h.answers(40, "eu-west", Failure)
				h.breaker(40, "eu-west", true)
				h.failsBack(41)
			}},
		},
		MinDuration: {
			{"failback too early", func(h *teller) {
				h.failsOver()
				h.recovers(20)
				h.failsBack(40.1)
			}},
			{"the clock of a new process is behind", func(h *teller) {
				h.failsOver()
				h.recovers(20)
				h.Restarted(at(25), -20*time.Second)
				h.answers(45, "us-east", Success)
				h.move(25, FailedBack, "us-east")
				h.store(45)
			}},
			{"failback to a region that flaps", func(h *teller) {
				h.edit(1, func(s *Spec) { s.MaxMinDuration = time.Minute })
				h.flaps()
				h.failsBack(81)
			}},
		},
		Left: {
			{"failback while no failover is left", func(h *teller) {
				h.edit(1, func(s *Spec) { s.MaxPerHour = 1 })
				h.failsOver()
				h.recovers(20)
				h.failsBack(41)
			}},
		},
		Due: {
			{"failback on a success of before", func(h *teller) {
				h.failsOver()
				h.recovers(20)
				h.answers(40, "us-east", Success)
				h.move(41, FailedBack, "us-east")
				h.store(41)
			}},
		},
		Reset: {
			{"reset to a secondary", func(h *teller) {
				h.order(5, OrderSet{Reset: "1"})
				h.move(5, WasReset, "local")
				h.record.HandledReset = "1"
				h.store(5)
			}},
			{"reset that leaves a breaker open", func(h *teller) {
				h.failsOver()
				h.order(12, OrderSet{Reset: "1"})
				h.move(12, WasReset, "us-east")
				h.record.HandledReset = "1"
				h.store(12)
			}},
			{"failover while a reset waits", func(h *teller) {
				h.order(5, OrderSet{Reset: "1"})
				h.failsOver()
			}},
		},
		Orders: {
			{"reset that nobody asked for", func(h *teller) { h.resets(5) }},
			{"reset twice", func(h *teller) {
				h.order(5, OrderSet{Reset: "1"})
				h.resets(5)
				h.resets(6)
			}},
			{"order of before the beginning that is not acknowledged", func(h *teller) {
				h.order(1, OrderSet{Reset: "1"})
				h.record = Record{UID: "another", ActiveRegion: "us-east"}
				h.store(2)
			}},
			{"reset that is acknowledged only", func(h *teller) {
				h.order(5, OrderSet{Reset: "1"})
				h.record.HandledReset = "1"
				h.store(5)
			}},
			{"switch to another region", func(h *teller) {
				h.order(5, OrderSet{Switch: "1", SwitchTo: "eu-west"})
				h.answers(5.5, "local", Success)
				h.move(5.5, SwitchedOver, "local")
				h.record.HandledSwitch = "1"
				h.store(5.5)
			}},
			{"switch that nobody asked for", func(h *teller) {
				h.record.HandledSwitch = "1"
				h.store(5)
			}},
		},
		Seq: {
			{"number left out", func(h *teller) {
				h.record.TransitionSeq++
				h.failsOver()
			}},
			{"number goes down", func(h *teller) {
				h.failsOver()
				h.record.TransitionSeq, h.record.ActiveSeq = 1, 1
				h.record.History = nil
				h.store(11)
			}},
			{"number used twice", func(h *teller) {
				h.failsOver()
				h.record.History = append([]Transition(nil), h.record.History...)
				h.record.History[0].To = "local"
				h.store(11)
			}},
			{"history out of order", func(h *teller) {
				h.failsOver()
				h.record.History = []Transition{h.record.History[1], h.record.History[0]}
				h.store(11)
			}},
		},
		Whole: {
			{"active region without a number", func(h *teller) {
				h.record.ActiveRegion = "eu-west"
				h.store(5)
			}},
			{"history tells another move", func(h *teller) {
				h.fails()
				h.answers(10.2, "eu-west", Success)
				h.move(10.2, FailedOver, "eu-west")
				h.record.History[0].To = "local"
				h.store(10.2)
			}},
			{"history tells of an opening that was none", func(h *teller) {
				h.fails()
				h.record.History[0].Region = "local"
				h.store(10)
			}},
			{"history without an end", func(h *teller) {
				for s := range 17 {
					h.breaker(float64(s), "local", true)
				}
				h.Restored(at(18), h.record)
				h.store(18)
			}},
		},
		Unmixed: {
			{"addresses of two regions", func(h *teller) { h.publish(1, 0, 0, 1) }},
			{"two slices of two regions", func(h *teller) {
				h.Published(at(1), []Slice{
					{UID: "uid", Family: "IPv4", Region: "us-east"}, {UID: "uid", Family: "IPv4", Region: "eu-west"},
				})
			}},
		},
		SliceSeq: {
			{"back to an older number", func(h *teller) {
				h.publish(0.1, 0, 0)
				h.failsOver()
				h.publish(10.3, 2, 1)
				h.publish(10.4, 0, 0)
			}},
			{"back to the object before", func(h *teller) {
				h.publish(0.1, 0, 0)
				h.record = Record{UID: "another", ActiveRegion: "us-east"}
				h.store(1)
				h.Published(at(2), []Slice{{UID: "another", Family: "IPv4", Region: "us-east"}})
				h.publish(3, 0, 0)
			}},
		},
		Published: {
			{"another region", func(h *teller) { h.publish(1, 0, 1) }},
			{"another region by name", func(h *teller) {
				h.Published(at(1), []Slice{{UID: "uid", Family: "IPv4", Region: "local"}})
			}},
			{"an address that no region has", func(h *teller) { h.publish(1, 0, 77) }},
			{"a number under which nothing was chosen", func(h *teller) {
				h.failsOver()
				h.publish(10.3, 1, 1)
			}},
			{"publishedSeq of what was not published", func(h *teller) {
				h.record.PublishedSeq = new(int64(0))
				h.store(1)
			}},
		},
		Rest: {
			{"status", func(h *teller) {
				h.AtRest()
				h.store(5)
			}},
			{"slices", func(h *teller) {
				h.AtRest()
				h.publish(5, 0, 0)
			}},
			{"something else, after a restart", func(h *teller) {
				h.AtRest()
				h.Restarted(at(5), 0)
				h.Wrote(at(6), "an event")
			}},
		},
		Converge: {
			{"still away", func(h *teller) {
				h.failsOver()
				h.recovers(20)
				h.Converged(at(100))
			}},
			{"still open", func(h *teller) {
				h.failsOver()
				h.Converged(at(100))
			}},
			{"order not handled", func(h *teller) {
				h.order(5, OrderSet{Switch: "1", SwitchTo: "local"})
				h.Converged(at(100))
			}},
			{"not published", func(h *teller) {
				h.publish(1, 0, 0)
				h.failsOver()
				h.Converged(at(100), "eu-west", "local")
			}},
		},
	}
}

// failsBack moves traffic to us-east on a success of that moment.
func (h *teller) failsBack(seconds float64) {
	h.answers(seconds, "us-east", Success)
	h.move(seconds, FailedBack, "us-east")
	h.store(seconds)
}
