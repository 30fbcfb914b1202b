// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"maps"
	"net/netip"
	"slices"
	"time"
)

// Addresses keeps which addresses of one region may be published. It is not safe for concurrent use.
//
// An address comes in with its first answer. It leaves when it has failed threshold times in a row, is
// forbidden, or is no longer resolved, but only by a result in which another address answered, and one of
// its own family if that is needed: a region that fails as a whole keeps its last addresses.
type Addresses struct {
	threshold int
	failures  map[netip.Addr]int // in a row; of the addresses of the newest results
	answering map[netip.Addr]bool
	success   []netip.Addr
	successAt time.Time
	newest    time.Time
}

// NewAddresses returns an empty set. A threshold below 1 counts as 1.
func NewAddresses(threshold int) *Addresses {
	return &Addresses{
		threshold: max(threshold, 1),
		failures:  map[netip.Addr]int{},
		answering: map[netip.Addr]bool{},
	}
}

// Record takes in what a probe saw; answered says which answers mean that an address may have traffic.
// A result of a probe that started before one already recorded, or that asked no address, changes nothing.
func (s *Addresses) Record(r Result, answered func(Answer) bool) {
	if len(r.Addresses) == 0 || r.Started.Before(s.newest) {
		return
	}
	s.newest = r.Started

	var good []netip.Addr
	for _, a := range r.Addresses {
		switch {
		case answered(a.Answer):
			good = append(good, a.Addr)
			s.failures[a.Addr] = 0
			s.answering[a.Addr] = true
		case a.Err == Forbidden:
			s.failures[a.Addr] = s.threshold
		case !a.Err.Inconclusive():
			s.failures[a.Addr]++
		}
	}
	if r.Healthy(answered) {
		s.success, s.successAt = good, r.Started
	}
	s.drop(r, good)
}

// drop takes out what failed too often or is no longer resolved, family by family.
func (s *Addresses) drop(r Result, good []netip.Addr) {
	resolved := make(map[netip.Addr]bool, len(r.Addresses))
	for _, a := range r.Addresses {
		resolved[a.Addr] = true
	}
	maps.DeleteFunc(s.answering, func(a netip.Addr, _ bool) bool {
		return replaceable(FamilyOf(a), r, good) && (!resolved[a] || s.failures[a] >= s.threshold)
	})
	maps.DeleteFunc(s.failures, func(a netip.Addr, _ int) bool { return !resolved[a] && !s.answering[a] })
}

// replaceable reports whether something answered without which the family would be empty: an address of
// that family, or of any if this one was not asked for.
func replaceable(f Family, r Result, good []netip.Addr) bool {
	if slices.ContainsFunc(good, func(a netip.Addr) bool { return FamilyOf(a) == f }) {
		return true
	}
	return len(good) > 0 && !slices.Contains(r.Families, f)
}

// Answering returns the addresses that may be published, sorted; empty until one has answered.
func (s *Addresses) Answering() []netip.Addr {
	return slices.SortedFunc(maps.Keys(s.answering), netip.Addr.Compare)
}

// Among returns which of the addresses may be published that are vouched for by somebody else, as the ready
// Pods of a Service are: those that answer, those that have not been asked, and all of a family of which none
// would be left. The order stays.
func (s *Addresses) Among(vouched []netip.Addr) []netip.Addr {
	silent := func(a netip.Addr) bool {
		_, asked := s.failures[a]
		return asked && !s.answering[a]
	}
	spared := map[Family]bool{}
	for _, a := range vouched {
		if !silent(a) {
			spared[FamilyOf(a)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(vouched), func(a netip.Addr) bool {
		return silent(a) && spared[FamilyOf(a)]
	})
}

// LastSuccess returns the addresses that answered the newest successful probe, sorted, and when it
// started: what a switch to the region may publish. The time is zero if there was none.
func (s *Addresses) LastSuccess() ([]netip.Addr, time.Time) {
	return slices.Clone(s.success), s.successAt
}

// Narrow keeps only the addresses that answered the newest successful probe: what a switch to the region
// publishes.
func (s *Addresses) Narrow() {
	maps.DeleteFunc(s.answering, func(a netip.Addr, _ bool) bool { return !slices.Contains(s.success, a) })
}

// Forget forgets what has answered, as if nothing had been probed yet.
func (s *Addresses) Forget() { *s = *NewAddresses(s.threshold) }
