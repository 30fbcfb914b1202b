// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package invariant

import (
	"net/netip"
	"testing"
	"time"
)

// A history in tests is told in seconds, about the regions us-east (the primary), eu-west and local.

func at(seconds float64) time.Time {
	return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

// teller tells a Judge a history and keeps what it objects to. What is stored follows from what is told.
type teller struct {
	*Judge

	spec       Spec
	orders     OrderSet
	record     Record
	violations []Violation
}

func address(n byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, n}) }

// tell begins with the first publication of us-east at 0 s.
func tell() *teller {
	h := &teller{spec: Spec{Mode: Automatic, MinDuration: 30 * time.Second}, record: Record{UID: "uid"}}
	h.Judge = New(Options{}, func(v Violation) { h.violations = append(h.violations, v) })
	for i, name := range []string{"us-east", "eu-west", "local"} {
		h.spec.Regions = append(h.spec.Regions, Region{
			Name: name, Identity: name, Period: 5 * time.Second, Timeout: time.Second,
			FailureThreshold: 2, RetryAfterThreshold: time.Minute, Addresses: []netip.Addr{address(byte(i))},
		})
		h.record.Breakers = append(h.record.Breakers, Breaker{Region: name})
	}
	h.Spec(at(0), h.spec)
	h.record.ActiveRegion, h.record.ActiveSince = "us-east", at(0)
	h.store(0)
	return h
}

func (h *teller) store(seconds float64) { h.Stored(Write{Record: h.record, At: at(seconds)}) }

// answers tells an answer that took 100 ms.
func (h *teller) answers(seconds float64, region string, class Class) {
	h.Answered(Answer{Region: region, Started: at(seconds - 0.1), Finished: at(seconds), Class: class})
}

// edit changes the spec.
func (h *teller) edit(seconds float64, change func(*Spec)) {
	h.spec.Regions = append([]Region(nil), h.spec.Regions...)
	change(&h.spec)
	h.Spec(at(seconds), h.spec)
}

func (h *teller) order(seconds float64, o OrderSet) {
	h.orders = o
	h.Orders(at(seconds), o)
}

// breaker changes what is to be stored of a breaker, and takes a number for it.
func (h *teller) breaker(seconds float64, region string, open bool) {
	h.record.Breakers = append([]Breaker(nil), h.record.Breakers...)
	for i := range h.record.Breakers {
		if b := &h.record.Breakers[i]; b.Region == region {
			b.Open, b.Since = open, at(seconds)
		}
	}
	t := BreakerClosed
	if open {
		t = BreakerOpened
	}
	h.note(Transition{Time: at(seconds), Type: t, Region: region})
}

// move changes what is to be stored of the active region.
func (h *teller) move(seconds float64, t TransitionType, to string) {
	h.note(Transition{Time: at(seconds), Type: t, From: h.record.ActiveRegion, To: to})
	h.record.ActiveRegion, h.record.ActiveSeq, h.record.ActiveSince = to, h.record.TransitionSeq, at(seconds)
}

func (h *teller) note(t Transition) {
	h.record.TransitionSeq++
	t.Seq = h.record.TransitionSeq
	h.record.History = append([]Transition{t}, h.record.History...)
}

func (h *teller) publish(seconds float64, seq int64, addresses ...byte) {
	s := Slice{UID: "uid", Seq: seq, Family: "IPv4"}
	for _, n := range addresses {
		s.Addresses = append(s.Addresses, address(n))
	}
	h.Published(at(seconds), []Slice{s})
}

// fails lets the active region us-east fail until its breaker opens, at 10 s.
func (h *teller) fails() {
	h.answers(9, "us-east", Failure)
	h.answers(10, "us-east", Failure)
	h.breaker(10, "us-east", true)
}

// failsOver moves traffic to eu-west at 10.2 s.
func (h *teller) failsOver() {
	h.fails()
	h.answers(10.2, "eu-west", Success)
	h.move(10.2, FailedOver, "eu-west")
	h.store(10.2)
}

// recovers closes the breaker of us-east again.
func (h *teller) recovers(seconds float64) {
	h.answers(seconds, "us-east", Success)
	h.breaker(seconds, "us-east", false)
	h.store(seconds)
}

// leaves lets the active region fail, and moves traffic away from it 200 ms later.
func (h *teller) leaves(seconds float64, to string) {
	h.answers(seconds-1, h.record.ActiveRegion, Failure)
	h.answers(seconds, h.record.ActiveRegion, Failure)
	h.breaker(seconds, h.record.ActiveRegion, true)
	h.answers(seconds+0.2, to, Success)
	h.move(seconds+0.2, FailedOver, to)
	h.store(seconds + 0.2)
}

// flaps has us-east, which is left at 10 s, fail once more 9 s after traffic has gone back to it, and be well.
func (h *teller) flaps() {
	h.failsOver()
	h.recovers(20)
	h.failsBack(41)
	h.leaves(50, "eu-west")
	h.recovers(60)
}

// check compares what the Judge objected to with the one rule that the history breaks; empty for none.
func (h *teller) check(t *testing.T, rule Rule) {
	t.Helper()
	for _, v := range h.violations {
		if rule == "" || v.Rule != rule {
			t.Errorf("unexpected: %v", v)
		}
	}
	if rule != "" && len(h.violations) == 0 {
		t.Errorf("nobody noticed that it breaks: %s", rule)
	}
}
