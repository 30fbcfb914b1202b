// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package invariant

import (
	"net/netip"
	"slices"
	"time"
)

// Mode says what moves traffic; the values are those of the API.
type Mode string

// The modes.
const (
	Automatic Mode = "Automatic"
	Observe   Mode = "Observe"
	Disabled  Mode = "Disabled"
)

// Spec is what a person asks for.
type Spec struct {
	// Regions in order of preference: the primary first.
	Regions []Region
	// Generation numbers the versions of a spec; 0 if they are not numbered.
	Generation     int64
	Mode           Mode
	MinDuration    time.Duration
	MaxMinDuration time.Duration // 0 for none
	MaxPerHour     int           // 0 for any number
	ManualFailback bool
}

// Region is one region of a Spec.
type Region struct {
	Name string
	// Identity names endpoint and probe. When it changes, answers of the one before say nothing any more.
	Identity string
	// Period is how old the success of a move may be.
	Period time.Duration
	// Timeout bounds a probe; 0 stands for Period.
	Timeout time.Duration
	// FailureThreshold is the least number of failures that may open the breaker, in mode Adaptive the
	// lower bound. 0 stands for 1.
	FailureThreshold int
	// RetryAfterThreshold is the longest Retry-After that does not open the breaker.
	RetryAfterThreshold time.Duration
	// Addresses that the region has; none if what is published names its region instead.
	Addresses []netip.Addr
}

// OrderSet is what people ask for by annotation. Tokens are as the status keeps them.
type OrderSet struct {
	Reset            string
	Switch, SwitchTo string
	Paused           bool
	// PausedUntil, on the operator's clock, ends the pause; zero for never.
	PausedUntil time.Time
}

// Class is what an answer says about health.
type Class string

// The classes.
const (
	Success     Class = "Success"
	Failure     Class = "Failure"
	RateLimited Class = "RateLimited"
	Excluded    Class = "Excluded"
	Unknown     Class = "Unknown"
)

// Answer is what one probe or call was told.
type Answer struct {
	Region            string
	Started, Finished time.Time
	Class             Class
	// RetryAfter that came with RateLimited; nil for none.
	RetryAfter *time.Duration
	// QuotaExhausted: it came with RateLimited that the quota is used up.
	QuotaExhausted bool
	// Slow: a Success that took so long that it counts as a failure once others did.
	Slow bool
	// Gone marks an Excluded answer that is a failure once the same probe has succeeded there (404, 3xx).
	Gone bool
	// Rung is how high the probe climbed that led to the answer: 0 for what routine probes ask.
	Rung int
	// AskedLess: the probe asked less than those that moves rest on. Its success is no evidence for a move.
	AskedLess bool
	// ByTraffic: seen by real traffic. It is no evidence for a move.
	ByTraffic bool
}

// Record is what is stored of the decision.
type Record struct {
	// UID of the object; another one is another object, with numbers of its own.
	UID           string
	ActiveRegion  string
	TransitionSeq int64
	ActiveSeq     int64
	// ActiveSince is when the newest move was decided, on the operator's clock.
	ActiveSince time.Time
	// ObservedGeneration is that of the newest spec that the operator had read.
	ObservedGeneration int64
	// PublishedSeq is what the status says that slices show; nil if it says nothing.
	PublishedSeq *int64
	Pinned       bool
	Breakers     []Breaker
	// History is newest first, and may lack the oldest.
	History       []Transition
	HandledReset  string
	HandledSwitch string
}

// Breaker is the stored state of a region's breaker.
type Breaker struct {
	Region string
	Open   bool
	// Since is when it opened, on the operator's clock.
	Since time.Time
}

// TransitionType is the kind of a Transition; the values are those of the API.
type TransitionType string

// The types. The last four are moves.
const (
	BreakerOpened TransitionType = "BreakerOpened"
	BreakerClosed TransitionType = "BreakerClosed"
	FailedOver    TransitionType = "FailedOver"
	FailedBack    TransitionType = "FailedBack"
	SwitchedOver  TransitionType = "SwitchedOver"
	WasReset      TransitionType = "Reset"
)

func (t TransitionType) moves() bool { return t != BreakerOpened && t != BreakerClosed }

// Transition is an entry of the history.
type Transition struct {
	Seq      int64
	Time     time.Time // on the operator's clock
	Type     TransitionType
	Region   string // of a breaker's transition
	From, To string // of a move
	Reason   string
}

func (t Transition) equal(o Transition) bool {
	return t.Time.Equal(o.Time) && t.Seq == o.Seq && t.Type == o.Type &&
		t.Region == o.Region && t.From == o.From && t.To == o.To && t.Reason == o.Reason
}

// Slice is what one EndpointSlice shows.
type Slice struct {
	// UID and Seq are those of the annotation that it carries.
	UID    string
	Seq    int64
	Family string
	// Region whose addresses it holds, if that is known; else it is told by Addresses.
	Region    string
	Addresses []netip.Addr
}

func (s Spec) rank(region string) int {
	return slices.IndexFunc(s.Regions, func(r Region) bool { return r.Name == region })
}

func (s Spec) region(name string) (Region, bool) {
	if i := s.rank(name); i >= 0 {
		return s.Regions[i], true
	}
	return Region{}, false
}

// longestProbe returns how long a probe may take in any region.
func (s Spec) longestProbe() time.Duration {
	var longest time.Duration
	for _, r := range s.Regions {
		if r.Timeout == 0 {
			r.Timeout = r.Period
		}
		longest = max(longest, r.Timeout)
	}
	return longest
}

func (r Record) breaker(region string) Breaker {
	for _, b := range r.Breakers {
		if b.Region == region {
			return b
		}
	}
	return Breaker{Region: region}
}

// moved says whether the record after r has another decision about the active region.
func (r Record) moved(after Record) bool {
	return r.ActiveRegion != "" && r.ActiveSeq < after.ActiveSeq
}
