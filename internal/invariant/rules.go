// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package invariant

// Rule is one invariant: the sentence that says it.
type Rule string

// The rules about moving traffic.
const (
	InSpec   Rule = "Traffic is moved only to a region that is in the spec at that moment."
	Evidence Rule = "Traffic is moved only on a success of a probe of the new region that began after the trigger; the first publication and a reset are the only exceptions."
	Fresh    Rule = "The success that a move rests on is at most one period old when the move is decided."
	Cause    Rule = "A failover leaves only a region whose breaker is open or that has left the spec."
	Failures Rule = "Answers that are Unknown or Excluded never move traffic: a breaker opens only on failures, slow answers included, on a long Retry-After or on an exhausted quota."
	Hold     Rule = "While no other region is healthy the active region stays, and what is published is never emptied."
	Once     Rule = "Traffic is never moved twice for one cause."
	Limited  Rule = "No more failovers than maxPerHour are made within an hour without an order between them, leaving removed regions excepted."
	Allowed  Rule = "Without an order traffic is moved in mode Automatic only, and while paused it is not moved at all."
)

// The rules about failing back.
const (
	Preferred   Rule = "A failback goes from a region that serves to a more preferred one, leaves no pinned region, and is left to people where failback is Manual."
	MinDuration Rule = "No failback comes before minDuration is over, doubled up to maxMinDuration as often in a row as the region has failed sooner than that after traffic had come to it."
	Left        Rule = "No failback comes while maxPerHour leaves no failover to undo it."
	Due         Rule = "No failback comes without a success of the preferred region that was obtained when the failback was due or later."
)

// The rules about orders.
const (
	Reset  Rule = "A reset restores the primary, closes every breaker, and beats everything in flight."
	Orders Rule = "A reset or a switch is carried out only as it is asked for, and once; one that is there at the first publication is not."
)

// The rules about what is stored.
const (
	Seq   Rule = "transitionSeq goes up by exactly one with each transition, never goes down, and no number is used twice."
	Whole Rule = "A status write changes the active region at most once, and active region, activeSeq and history tell the same."
)

// The rules about what is published.
const (
	Unmixed   Rule = "At no time do the slices of one family hold addresses of two regions."
	SliceSeq  Rule = "The number that slices carry never goes down, and is never ahead of the status."
	Published Rule = "What is published is the region that the status chose under the number that the slices carry."
)

// The rules about whole runs.
const (
	Rest     Rule = "At rest nothing is written."
	Same     Rule = "The same input gives the same output."
	Converge Rule = "Once health is stable, every order is handled, traffic settles on the region where it belongs, and stays there."
)

// Rules returns all rules, in the order of the documentation.
func Rules() []Rule {
	return []Rule{
		InSpec, Evidence, Fresh, Cause, Failures, Hold, Once, Limited, Allowed,
		Preferred, MinDuration, Left, Due,
		Reset, Orders,
		Seq, Whole,
		Unmixed, SliceSeq, Published,
		Rest, Same, Converge,
	}
}
