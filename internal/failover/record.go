// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"cmp"
	"slices"
	"time"
)

// Resolution is the resolution of stored times. Deadlines are rounded up to it, other times down, so that
// nothing that waits for a stored deadline is early.
const Resolution = time.Microsecond

// keptTransitions is how many region changes, and how many other transitions, the history keeps.
const keptTransitions = 8

// TransitionType is the kind of an entry of the decision log.
type TransitionType string

// The types of transitions. The last four change the active region.
const (
	BreakerOpened TransitionType = "BreakerOpened"
	BreakerClosed TransitionType = "BreakerClosed"
	FailedOver    TransitionType = "FailedOver"
	FailedBack    TransitionType = "FailedBack"
	SwitchedOver  TransitionType = "SwitchedOver"
	Reset         TransitionType = "Reset"
)

// MovesRegion says whether transitions of the type are region changes.
func (t TransitionType) MovesRegion() bool { return t != BreakerOpened && t != BreakerClosed }

// Transition is an entry of the decision log.
type Transition struct {
	Seq    int64
	Time   time.Time
	Type   TransitionType
	Region string // of a breaker's transition
	From   string // of a region change
	To     string // of a region change
	// Reason is one PascalCase word, Message a sentence without times.
	Reason  string
	Message string
}

// Record is what is durable of one LLMBackend. An empty ActiveRegion means that nothing was decided yet.
type Record struct {
	ActiveRegion  string
	TransitionSeq int64
	// ActiveSeq is the seq of the newest region change, ActiveSince its time.
	ActiveSeq   int64
	ActiveSince time.Time
	// Pinned: a person switched to the active region; failback does not undo it.
	Pinned  bool
	Regions []RegionRecord
	// History is newest first.
	History []Transition

	HandledReset  string
	HandledSwitch string
	SwitchResult  SwitchResult
}

// RegionRecord is the durable part of a region's breaker.
type RegionRecord struct {
	Name      string
	Open      bool
	Since     time.Time
	OpenUntil time.Time
	HeldUntil time.Time
	Reason    string
	OpenedBy  Source
}

// SwitchResult is what became of the newest switch.
type SwitchResult string

// The results of a switch.
const (
	SwitchDone       SwitchResult = "Switched"
	SwitchPinned     SwitchResult = "Pinned"
	SwitchFailed     SwitchResult = "Failed"
	SwitchRefused    SwitchResult = "Refused"
	SwitchSuperseded SwitchResult = "Superseded"
	SwitchIgnored    SwitchResult = "Ignored"
)

// Equal says whether two records say the same.
func (r Record) Equal(o Record) bool {
	return r.ActiveRegion == o.ActiveRegion && r.TransitionSeq == o.TransitionSeq &&
		r.ActiveSeq == o.ActiveSeq && r.ActiveSince.Equal(o.ActiveSince) && r.Pinned == o.Pinned &&
		r.HandledReset == o.HandledReset && r.HandledSwitch == o.HandledSwitch &&
		r.SwitchResult == o.SwitchResult &&
		slices.EqualFunc(r.Regions, o.Regions, RegionRecord.Equal) &&
		slices.EqualFunc(r.History, o.History, Transition.equal)
}

// Equal says whether two region records say the same.
func (r RegionRecord) Equal(o RegionRecord) bool {
	return r.Name == o.Name && r.Open == o.Open && r.Since.Equal(o.Since) &&
		r.OpenUntil.Equal(o.OpenUntil) && r.HeldUntil.Equal(o.HeldUntil) &&
		r.Reason == o.Reason && r.OpenedBy == o.OpenedBy
}

func (t Transition) equal(o Transition) bool {
	return t.Time.Equal(o.Time) && t.Seq == o.Seq && t.Type == o.Type && t.Region == o.Region &&
		t.From == o.From && t.To == o.To && t.Reason == o.Reason && t.Message == o.Message
}

func (r Record) region(name string) (RegionRecord, bool) {
	i := slices.IndexFunc(r.Regions, func(x RegionRecord) bool { return x.Name == name })
	if i < 0 {
		return RegionRecord{Name: name}, false
	}
	return r.Regions[i], true
}

// append numbers the transitions, oldest first, and adds them to the history. The newest region change
// gives ActiveSeq.
func (r *Record) append(transitions []Transition) {
	history := slices.Clone(r.History)
	for i := range transitions {
		r.TransitionSeq++
		transitions[i].Seq = r.TransitionSeq
		if transitions[i].Type.MovesRegion() {
			r.ActiveSeq = r.TransitionSeq
		}
		history = append(history, transitions[i])
	}
	slices.SortStableFunc(history, func(a, b Transition) int { return cmp.Compare(b.Seq, a.Seq) })
	moves, others := 0, 0
	r.History = slices.DeleteFunc(history, func(t Transition) bool {
		if t.Type.MovesRegion() {
			moves++
			return moves > keptTransitions
		}
		others++
		return others > keptTransitions
	})
}

func stored(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Round(0).UTC().Truncate(Resolution)
}

func storedDeadline(t time.Time) time.Time {
	s := stored(t)
	if s.Before(t.Round(0)) {
		s = s.Add(Resolution)
	}
	return s
}
