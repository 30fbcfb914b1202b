// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
)

// Cause is a part of why traffic is where it is. Seq is 0, and Time zero, for what is in no decision log.
type Cause struct {
	Seq     int64     `json:"seq,omitempty"`
	Time    time.Time `json:"time,omitzero"`
	Message string    `json:"message"`
}

// why returns what brought traffic where it is: the newest change of the active region, and before it the opening
// that it followed from.
func (f *facts) why() []Cause {
	if !f.initialised() {
		return []Cause{}
	}
	moved := slices.IndexFunc(f.record.History, func(t failover.Transition) bool { return t.Seq == f.record.ActiveSeq })
	switch {
	case moved < 0 && f.record.ActiveSeq == 0:
		return []Cause{{Time: f.record.ActiveSince, Message: fmt.Sprintf(
			"traffic was sent to region %s when the LLMBackend was created, and has not moved since", f.current())}}
	case moved < 0:
		return []Cause{}
	}
	t := f.record.History[moved]
	causes := []Cause{causeOf(t)}
	if t.Type == failover.FailedOver {
		for _, before := range f.record.History[moved+1:] {
			if before.Type == failover.BreakerOpened && before.Region == t.From {
				return []Cause{causeOf(before), causes[0]}
			}
		}
	}
	return causes
}

func causeOf(t failover.Transition) Cause { return Cause{t.Seq, t.Time, t.Message} }

// Explanation says why traffic is where it is, and what it would take to move it. Its JSON is part of the interface
// of the plugin.
type Explanation struct {
	Namespace    string `json:"namespace"`
	Name         string `json:"name"`
	ActiveRegion string `json:"activeRegion,omitempty"`
	// Why traffic is there, oldest cause first.
	Why []Cause `json:"why"`
	// Stays is what keeps it there at this moment.
	Stays string `json:"stays,omitempty"`
	// Moves are what it would take to move it to each of the other regions, in order of preference.
	Moves []Move `json:"moves"`
	// Attention are the conditions that say that something is not as it should be.
	Attention []Condition `json:"attention"`
}

// Move is what it would take to move traffic to a region.
type Move struct {
	Region string `json:"region"`
	// Needs must all be fulfilled before it happens by itself; none if it is under way or never happens by itself.
	Needs []Need `json:"needs"`
	// ByHand are the commands that a person can give, and what they do.
	ByHand []string `json:"byHand"`
}

// Need is one thing that must be so.
type Need struct {
	Message string `json:"message"`
	// At is when it will be so at the earliest; zero where no time tells.
	At time.Time `json:"at,omitzero"`
}

// Explain returns the explanation of b at a time. It fails only on an endpoint that the schema would have refused.
func Explain(b *llmv1alpha1.LLMBackend, at time.Time) (*Explanation, error) {
	f, err := read(b, at)
	if err != nil {
		return nil, err
	}
	e := &Explanation{
		Namespace: b.Namespace, Name: b.Name, ActiveRegion: b.Status.ActiveRegion,
		Why: f.why(), Moves: []Move{}, Attention: []Condition{},
	}
	if c := ready(&b.Status); c.Status != "True" {
		e.Attention = append(e.Attention, c)
	}
	e.Attention = append(e.Attention, attention(&b.Status)...)
	if !f.initialised() {
		return e, nil
	}
	e.Stays = f.stays()
	for i, r := range f.regions {
		if i != f.active {
			e.Moves = append(e.Moves, Move{Region: r.name, Needs: f.needs(i), ByHand: f.byHand(i)})
		}
	}
	return e, nil
}

// stays says what keeps traffic at the active region.
func (f *facts) stays() string {
	switch {
	case f.active < 0:
		return f.current() + " left the spec, and its addresses stay until " + f.departs()
	case f.activeFailed():
		return f.current() + " fails, and traffic stays until " + f.departs()
	case f.active == 0:
		return f.current() + " is the primary region, and its breaker is closed"
	default:
		return f.current() + " may serve, and what a move takes is not all there yet"
	}
}

// departs says what ends the wait of traffic at a region that fails.
func (f *facts) departs() string {
	switch {
	case f.config.Mode == failover.Disabled:
		return "somebody moves it: the mode is Disabled"
	case f.config.Mode == failover.Observe:
		return "somebody moves it: the mode is Observe"
	case f.paused():
		return "the pause ends"
	case f.limited():
		return "maxPerHour allows a failover again"
	case f.holding():
		return "a region answers: none does"
	default:
		return "another region has answered, which is being asked now"
	}
}

// needs returns what must be so before traffic goes to the region at index i by itself.
func (f *facts) needs(i int) []Need {
	r := f.regions[i]
	needs := f.allowed()
	if r.unfit {
		needs = append(needs, Need{Message: "its endpoint must be put right, as the condition Stalled says"})
	}
	switch {
	case f.activeFailed():
		return append(needs, f.needsOfFailover(i)...)
	case i < f.active:
		return append(needs, f.needsOfFailback(i)...)
	default:
		active := f.regions[f.active]
		needs = append(needs, Need{Message: fmt.Sprintf("%s must fail %s, which shows within about %s",
			active.name, times(f.threshold(active)), f.foundOut(active))})
		return append(needs, f.needsOfFailover(i)...)
	}
}

// allowed returns what keeps traffic from moving anywhere by itself.
func (f *facts) allowed() []Need {
	var needs []Need
	switch f.config.Mode {
	case failover.Disabled:
		needs = append(needs, Need{Message: "spec.failover.mode must be Automatic: it is Disabled"})
	case failover.Observe:
		needs = append(needs, Need{Message: "spec.failover.mode must be Automatic: it is Observe, which only reports"})
	case failover.Automatic:
	}
	switch {
	case f.pausedForGood():
		needs = append(needs, Need{Message: "the pause must be ended: kubectl breakwater resume " + f.named()})
	case f.paused():
		needs = append(needs, Need{Message: "the pause must be over", At: f.orders.PausedUntil.UTC()})
	}
	if f.limited() {
		needs = append(needs, Need{Message: fmt.Sprintf("maxPerHour (%d) must allow a failover again", f.config.MaxPerHour), At: f.limitEnd()})
	}
	return needs
}

// needsOfFailover returns what must be so for the region at index i to be the one that traffic is moved to when the
// active one fails.
func (f *facts) needsOfFailover(i int) []Need {
	r := f.regions[i]
	var needs []Need
	if preferred := f.preferred(i); len(preferred) > 0 {
		needs = append(needs, Need{Message: fmt.Sprintf("no region that is preferred may answer: %s", names(preferred))})
	}
	switch {
	case f.now.Before(r.HeldUntil):
		needs = append(needs, Need{Message: "the time must be over for which it asked to be left alone", At: r.HeldUntil})
	case r.Open && !f.holding():
		needs = append(needs, Need{Message: "its breaker must close, or no other region answer", At: f.known(r.closesAt())})
	}
	return append(needs, Need{Message: "it must answer a probe that is made then"})
}

// preferred are the regions that traffic would go to rather than to the one at index i. While no region answers, all
// are asked, also those that fail.
func (f *facts) preferred(i int) []region {
	var found []region
	for j, r := range f.regions[:i] {
		if j != f.active && !r.unfit && (!r.Open || f.holding() && !f.now.Before(r.HeldUntil)) {
			found = append(found, r)
		}
	}
	return found
}

func (f *facts) needsOfFailback(i int) []Need {
	r := f.regions[i]
	var needs []Need
	if f.record.Pinned {
		needs = append(needs, Need{Message: fmt.Sprintf("the pin of %s must end: it fails, or a person resets or switches", f.current())})
	}
	if f.config.ManualFailback {
		needs = append(needs, Need{Message: "spec.failover.failback must be Automatic: it is Manual"})
	}
	if preferred := slices.DeleteFunc(f.preferred(i), func(r region) bool { return r.Open }); len(preferred) > 0 {
		needs = append(needs, Need{Message: fmt.Sprintf("no region that is preferred may be healthy: %s", names(preferred))})
	}
	if r.Open {
		needs = append(needs, Need{Message: fmt.Sprintf("its breaker must close: %s it", closes(r)), At: f.known(r.OpenUntil)})
	}
	if due := f.failbackDue(r); due.After(f.now) && !due.Equal(f.limitEnd()) {
		needs = append(needs, Need{Message: fmt.Sprintf("minDuration (%s) must be over", f.config.StaysAway(r.name, &f.record)), At: due})
	}
	return append(needs, Need{Message: "it must answer a probe that is made then"})
}

// known is a time that is still to come, and else none.
func (f *facts) known(t time.Time) time.Time {
	if t.After(f.now) {
		return t
	}
	return time.Time{}
}

// foundOut is how long it takes at most until probes have opened the breaker of the active region, answers aside.
func (f *facts) foundOut(r region) time.Duration {
	return r.Probe.Period + time.Duration(f.threshold(r)-1)*r.Probe.SuspectPeriod
}

// byHand returns what a person can do to bring traffic to the region at index i.
func (f *facts) byHand(i int) []string {
	r := f.regions[i]
	var ways []string
	if f.now.Before(r.HeldUntil) {
		ways = append(ways, "a switch is refused as long as the region asked to be left alone")
	} else {
		ways = append(ways, fmt.Sprintf("kubectl breakwater switch %s --to %s: if it answers one probe", f.named(), r.name))
	}
	if i == 0 {
		ways = append(ways, fmt.Sprintf("kubectl breakwater reset %s: at once, without a probe, and closes all breakers", f.named()))
	}
	return ways
}
