// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
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
	known     []address // sorted; those of the newest results, and those that may be published
	newest    time.Time
}

// address is one that has been asked. There are few of a region and many regions: a list is smaller than maps.
type address struct {
	netip.Addr
	failures  int  // in a row
	answering bool // it may be published
	succeeded bool // it answered the newest successful probe
}

// NewAddresses returns an empty set. A threshold below 1 counts as 1.
func NewAddresses(threshold int) *Addresses {
	return &Addresses{threshold: max(threshold, 1)}
}

// Record takes in what a probe saw; answered says which answers mean that an address may have traffic.
// A result of a probe that started before one already recorded, or that asked no address, changes nothing.
func (s *Addresses) Record(r Result, answered func(Answer) bool) {
	if len(r.Addresses) == 0 || r.Started.Before(s.newest) {
		return
	}
	s.newest = r.Started

	var space [maxAddresses]netip.Addr
	good := space[:0]
	for _, a := range r.Addresses {
		switch {
		case answered(a.Answer):
			good = append(good, a.Addr)
			known := s.entry(a.Addr)
			known.failures, known.answering = 0, true
		case a.Err == Forbidden:
			s.entry(a.Addr).failures = s.threshold
		case !a.Err.Inconclusive():
			s.entry(a.Addr).failures++
		}
	}
	if r.Healthy(answered) {
		for i := range s.known {
			s.known[i].succeeded = slices.Contains(good, s.known[i].Addr)
		}
	}
	s.drop(r, good)
}

// find returns where the address is, or where it belongs.
func (s *Addresses) find(addr netip.Addr) (at int, known bool) {
	return slices.BinarySearchFunc(s.known, addr, func(a address, addr netip.Addr) int { return a.Compare(addr) })
}

// entry returns what is known of the address, until another one comes in or leaves.
func (s *Addresses) entry(addr netip.Addr) *address {
	at, known := s.find(addr)
	if !known {
		s.known = slices.Insert(s.known, at, address{Addr: addr})
	}
	return &s.known[at]
}

// drop takes out what failed too often or is no longer resolved, family by family.
func (s *Addresses) drop(r Result, good []netip.Addr) {
	s.known = slices.DeleteFunc(s.known, func(a address) bool {
		resolved := slices.ContainsFunc(r.Addresses, func(asked AddressResult) bool { return asked.Addr == a.Addr })
		return !resolved && (!a.answering || replaceable(FamilyOf(a.Addr), r, good))
	})
	for i := range s.known {
		a := &s.known[i]
		if a.failures >= s.threshold && replaceable(FamilyOf(a.Addr), r, good) {
			a.answering = false
		}
	}
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
	var answering []netip.Addr
	for _, a := range s.known {
		if a.answering {
			answering = append(answering, a.Addr)
		}
	}
	return answering
}

// Among returns which of the addresses may be published that are vouched for by somebody else, as the ready
// Pods of a Service are: those that answer, those that have not been asked, and all of a family of which none
// would be left. The order stays.
func (s *Addresses) Among(vouched []netip.Addr) []netip.Addr {
	silent := func(a netip.Addr) bool {
		at, asked := s.find(a)
		return asked && !s.known[at].answering
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

// Narrow keeps only the addresses that answered the newest successful probe: what a switch to the region
// publishes.
func (s *Addresses) Narrow() {
	for i := range s.known {
		a := &s.known[i]
		a.answering = a.answering && a.succeeded
	}
}

// Forget forgets what has answered, as if nothing had been probed yet.
func (s *Addresses) Forget() { *s = *NewAddresses(s.threshold) }
