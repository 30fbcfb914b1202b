// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
)

// When says what a step waits for.
type When string

// What steps wait for.
const (
	// Now: it is under way.
	Now When = "Now"
	// AtTime: it happens at a time that is known, or at that time at the earliest.
	AtTime When = "AtTime"
	// OnEvent: it happens if something else happens first, which its message names.
	OnEvent When = "OnEvent"
)

// Event is what happens in a step.
type Event string

// The events.
const (
	EventOrder     Event = "Order"     // a person's order is carried out
	EventPauseEnds Event = "PauseEnds" // a pause ends
	EventLimitEnds Event = "LimitEnds" // maxPerHour allows a failover again
	EventPublish   Event = "Publish"   // the EndpointSlices are made to show the active region
	EventTrial     Event = "Trial"     // a failing region is tried
	EventFailover  Event = "Failover"  // traffic leaves a region that fails
	EventFailback  Event = "Failback"  // traffic goes back to a preferred region
	EventReport    Event = "Report"    // mode Observe says what it would have done
	EventStay      Event = "Stay"      // traffic stays where it is
)

// Step is something that happens next.
type Step struct {
	When When `json:"when"`
	// At is zero unless When is AtTime.
	At    time.Time `json:"at,omitzero"`
	Event Event     `json:"event"`
	// Region is the one that it is about, or where traffic would go; empty where that is open.
	Region  string `json:"region,omitempty"`
	Message string `json:"message"`
}

// next returns what happens next: what is under way, then what has a time, then what depends on something else.
func (f *facts) next() []Step {
	var steps []Step
	switch {
	case !f.initialised():
		steps = slices.Concat(f.pauseEnds(), f.begin())
	default:
		steps = slices.Concat(f.unread(), f.pauseEnds(), f.limitEnds(), f.asked(), f.publish(), f.trials(), f.moves())
	}
	order := map[When]int{Now: 0, AtTime: 1, OnEvent: 2}
	slices.SortStableFunc(steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(order[a.When], order[b.When]), a.At.Compare(b.At))
	})
	return steps
}

func underway(e Event, region, format string, args ...any) Step {
	return Step{When: Now, Event: e, Region: region, Message: fmt.Sprintf(format, args...)}
}

func onEvent(e Event, region, format string, args ...any) Step {
	return Step{When: OnEvent, Event: e, Region: region, Message: fmt.Sprintf(format, args...)}
}

// at is a step at a time that is still to come, and else one that is under way.
func (f *facts) at(t time.Time, e Event, region, format string, args ...any) Step {
	step := underway(e, region, format, args...)
	if t.After(f.now) {
		step.When, step.At = AtTime, t
	}
	return step
}

// whenAllowed is a step that is under way, or waits for a pause to end.
func (f *facts) whenAllowed(e Event, region, format string, args ...any) Step {
	switch {
	case f.pausedForGood():
		return onEvent(e, region, "when the pause ends, "+format, args...)
	case f.paused():
		return f.at(f.orders.PausedUntil, e, region, format, args...)
	default:
		return underway(e, region, format, args...)
	}
}

func (f *facts) begin() []Step {
	primary := f.regions[0].name
	return []Step{f.whenAllowed(EventPublish, primary,
		"traffic is sent to the primary region %s as soon as the operator sees this LLMBackend", primary)}
}

// unread tells that the operator has not gone by the newest spec yet.
func (f *facts) unread() []Step {
	if f.backend.Status.ObservedGeneration == f.backend.Generation {
		return nil
	}
	return []Step{underway(EventOrder, "", "the operator has not read the newest change of the spec yet")}
}

func (f *facts) pauseEnds() []Step {
	switch {
	case f.pausedForGood():
		return []Step{onEvent(EventPauseEnds, "", "nothing moves until the pause is ended: kubectl breakwater resume %s", f.named())}
	case f.paused():
		return []Step{f.at(f.orders.PausedUntil, EventPauseEnds, "", "the pause ends, and what is due by then is done")}
	default:
		return nil
	}
}

func (f *facts) limitEnds() []Step {
	if f.limitEnd().IsZero() {
		return nil
	}
	return []Step{f.at(f.limitEnd(), EventLimitEnds, "", "maxPerHour allows a failover again")}
}

// asked tells the orders that are not acknowledged yet. A reset wins over a switch.
func (f *facts) asked() []Step {
	primary := f.regions[0].name
	switch {
	case f.resetAsked():
		return []Step{f.whenAllowed(EventOrder, primary, "a reset brings traffic to the primary region %s, without a probe", primary)}
	case f.switchAsked():
		to := f.orders.SwitchTo
		return []Step{f.whenAllowed(EventOrder, to, "a switch brings traffic to %s, if it answers one probe", to)}
	default:
		return nil
	}
}

func (f *facts) publish() []Step {
	c := meta.FindStatusCondition(f.backend.Status.Conditions, llmv1alpha1.ConditionPublished)
	if c == nil || c.Reason != llmv1alpha1.ReasonPending {
		return nil
	}
	return []Step{f.whenAllowed(EventPublish, f.current(), "the EndpointSlices are made to show %s", f.current())}
}

// trials tells when regions that fail are tried. That goes on in every mode, and in a pause.
func (f *facts) trials() []Step {
	var steps []Step
	for _, r := range f.regions {
		if !r.Open {
			continue
		}
		steps = append(steps, f.at(r.OpenUntil, EventTrial, r.name, "%s is tried: %s its breaker", r.name, closes(r)))
	}
	return steps
}

func closes(r region) string {
	if r.Breaker.SuccessThreshold == 1 {
		return "one good answer closes"
	}
	return fmt.Sprintf("%d good answers in a row close", r.Breaker.SuccessThreshold)
}

// moves tells where traffic goes by itself, and what keeps it.
func (f *facts) moves() []Step {
	switch {
	case f.resetAsked():
		return nil
	case f.config.Mode == failover.Disabled:
		return []Step{onEvent(EventStay, f.current(), "mode Disabled: nothing but a person moves traffic, whatever fails")}
	case f.pausedForGood():
		return nil
	case f.activeFailed():
		return []Step{f.departure()}
	default:
		return append(f.failbacks(), f.whatIf())
	}
}

// move is a change of the active region, or in mode Observe only the report of it.
func (f *facts) move(s Step) Step {
	if f.config.Mode == failover.Observe {
		s.Event = EventReport
		s.Message = "mode Observe, nothing is moved: " + s.Message
	}
	return s
}

// departure tells how traffic leaves an active region that fails.
func (f *facts) departure() Step {
	others := f.others(func(r region) bool { return !r.unfit && !f.now.Before(r.HeldUntil) })
	switch {
	case len(f.regions) == 1 && f.active == 0:
		return onEvent(EventStay, f.current(), "traffic stays: there is no region to fail over to")
	case f.limited() && f.pausedForGood():
		return onEvent(EventStay, f.current(), "traffic stays until the pause ends")
	case f.limited():
		end := f.limitEnd()
		if f.paused() {
			end = later(end, f.orders.PausedUntil)
		}
		return f.move(f.at(end, EventFailover, "", "%s fails, and maxPerHour is used up: then the most preferred of the others that answers gets the traffic", f.current()))
	case f.holding() && len(others) == 0:
		return onEvent(EventStay, f.current(), "traffic stays: no other region may be asked")
	case f.holding():
		return f.move(f.whenAllowed(EventFailover, "", "no region answers: %s %s asked each %s, and the first that answers gets the traffic",
			names(others), isOrAre(others), f.config.SuspectPeriod))
	case f.paused():
		return f.move(f.whenAllowed(EventFailover, "", "%s fails: the most preferred of the others that answers gets the traffic", f.current()))
	default:
		return f.move(underway(EventFailover, "", "%s fails: the others are asked, and the most preferred that answers gets the traffic", f.current()))
	}
}

func isOrAre(regions []region) string {
	if len(regions) == 1 {
		return "is"
	}
	return "are"
}

// failbacks tells when traffic goes back, to each region that is preferred to the active one up to the first that may
// serve. Nothing goes back on time alone.
func (f *facts) failbacks() []Step {
	if f.active == 0 {
		return nil
	}
	if f.record.Pinned {
		return []Step{onEvent(EventStay, f.current(), "a person switched to %s: traffic stays until it fails, or until a reset or another switch", f.current())}
	}
	if f.config.ManualFailback {
		return []Step{onEvent(EventStay, f.current(), "failback is Manual: traffic stays until %s fails or a person moves it", f.current())}
	}
	var steps []Step
	for _, r := range f.regions[:f.active] {
		if r.unfit {
			continue
		}
		at := f.failbackDue(r)
		if f.paused() {
			at = later(at, f.orders.PausedUntil)
		}
		if r.candidate() {
			return append(steps, f.move(f.at(at, EventFailback, r.name, "traffic goes back to %s if it answers then", r.name)))
		}
		at = later(at, r.closesAt())
		steps = append(steps, f.move(f.at(at, EventFailback, r.name, "traffic goes back to %s if its breaker has closed by then", r.name)))
	}
	return steps
}

// whatIf tells what happens if the active region fails.
func (f *facts) whatIf() Step {
	a := f.regions[f.active]
	candidates := f.candidates()
	switch {
	case len(f.regions) == 1:
		return onEvent(EventStay, a.name, "if %s fails, traffic stays: there is no region to fail over to", a.name)
	case f.limited():
		return onEvent(EventStay, a.name, "if %s fails before maxPerHour allows a failover again, traffic stays until then", a.name)
	case len(candidates) == 0:
		return f.move(onEvent(EventFailover, "", "if %s fails, traffic stays until another region answers", a.name))
	case len(candidates) == 1:
		return f.move(onEvent(EventFailover, candidates[0].name, "if %s fails %s, traffic goes to %s if it answers",
			a.name, times(f.threshold(a)), candidates[0].name))
	default:
		return f.move(onEvent(EventFailover, candidates[0].name, "if %s fails %s, traffic goes to the first of %s that answers",
			a.name, times(f.threshold(a)), names(candidates)))
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times in a row", n)
}

// named is the LLMBackend as arguments of a command.
func (f *facts) named() string {
	return fmt.Sprintf("%s -n %s", f.backend.Name, f.backend.Namespace)
}
