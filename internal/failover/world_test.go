// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/breakwater-dev/breakwater/internal/invariant"
)

// world drives a Machine in virtual time: it plays the regions, the prober and the store. Within one instant
// the script comes first, then answers, then what the machine does by itself.
type world struct {
	t       rapid.TB
	now     time.Duration // since the beginning
	step    time.Duration // by which the wall clock was stepped at the latest restart
	machine *Machine
	wake    time.Time

	generation int64
	config     Config
	orders     Orders

	responses map[string]answer
	above     map[string]answer // to what only probes that climb ask, where the rest is good
	timeouts  map[string]time.Duration
	inFlight  []inFlight
	script    []scripted

	stored   Record
	revision int // of the object in the store
	store    store
	writing  *writing
	retryAt  time.Duration // of a write that failed
	writes   int
	plans    int // also those that had nothing to store

	probed   []probed
	log      []string
	messages []string // of notices
	holding  bool
	// turnAfter is how long a move waits for its turn; nil if the script gives turns.
	turnAfter *time.Duration
	turnAt    time.Duration // of the move that waits; 0 if none does
	eager     bool          // poll after each answer, not after all of one instant
	judge     *invariant.Judge
	told      Record // to the judge
}

// answer is what a region does to a probe or a call.
type answer struct {
	Response
	rung  int
	after time.Duration
	hangs bool
}

type inFlight struct {
	Probe
	started, due time.Duration
	answer       answer
}

// probed is a probe that was started.
type probed struct {
	At      time.Duration
	Region  string
	Purpose Purpose
}

type scripted struct {
	at time.Duration
	do func()
}

// store says how the next writes go.
type store struct {
	fails     bool // until set otherwise
	takes     time.Duration
	conflicts bool // once: another writer came first
	loseReply bool // once: stored, but the writer is not told
}

type writing struct {
	plan     Plan
	done     time.Duration
	revision int // of what was read; another one by now is a conflict
}

const (
	probeTimeout = 3 * time.Second
	retryWrite   = 500 * time.Millisecond
)

// newWorld begins with every region answering 200 at once.
func newWorld(t rapid.TB, c Config) *world {
	t.Helper()
	w := &world{
		t: t, machine: &Machine{}, generation: 1, config: c,
		responses: map[string]answer{}, above: map[string]answer{}, timeouts: map[string]time.Duration{},
	}
	w.judge = invariant.New(invariant.Options{}, w.violated)
	return w
}

// clock is the time that the machine is told.
func (w *world) clock() time.Time {
	return epoch().Add(w.now + w.step)
}

func (w *world) observe() {
	w.tellInput()
	w.machine.Observe(w.clock(), Input{
		UID: "uid", Generation: w.generation, Config: w.config, Orders: w.orders, Record: w.stored,
	})
}

// run goes on until the given time, whose events it includes.
func (w *world) run(until time.Duration) {
	w.t.Helper()
	if w.now == 0 && w.stored.ActiveRegion == "" {
		w.observe()
		w.instant()
	}
	for {
		next, ok := w.next()
		if !ok || next > until {
			break
		}
		w.now = max(next, w.now)
		w.instant()
	}
	w.now = until
}

// next returns when something happens next.
func (w *world) next() (time.Duration, bool) {
	var at []time.Duration
	if len(w.script) > 0 {
		at = append(at, w.script[0].at)
	}
	for _, f := range w.inFlight {
		at = append(at, f.due)
	}
	if w.writing != nil {
		at = append(at, w.writing.done)
	}
	if w.retryAt != 0 {
		at = append(at, w.retryAt)
	}
	if !w.wake.IsZero() {
		at = append(at, w.now+w.wake.Sub(w.clock()))
	}
	if len(at) == 0 {
		return 0, false
	}
	return slices.Min(at), true
}

// instant lets everything happen that happens now.
func (w *world) instant() {
	for range 100 {
		if w.retryAt == w.now {
			w.retryAt = 0
		}
		happened := w.play()
		happened = w.deliver() || happened
		happened = w.finishWrite() || happened
		if !w.poll() && !happened {
			return
		}
	}
	w.t.Fatalf("%v: the machine does not come to rest", w.now)
}

func (w *world) play() bool {
	n := 0
	for len(w.script) > 0 && w.script[0].at <= w.now {
		do := w.script[0].do
		w.script = w.script[1:]
		do()
		n++
	}
	return n > 0
}

// deliver hands over the answers that are due, the active region's first, then in the order of the spec.
func (w *world) deliver() bool {
	var due []inFlight
	w.inFlight = slices.DeleteFunc(w.inFlight, func(f inFlight) bool {
		if f.due <= w.now {
			due = append(due, f)
		}
		return f.due <= w.now
	})
	rank := func(f inFlight) int {
		if f.Region == w.stored.ActiveRegion {
			return -1
		}
		return slices.IndexFunc(w.config.Regions, func(r RegionConfig) bool { return r.Name == f.Region })
	}
	slices.SortStableFunc(due, func(a, b inFlight) int { return rank(a) - rank(b) })
	for _, f := range due {
		w.tellProbe(f)
		started := w.clock().Add(f.started - w.now)
		o := outcome(f.answer.Response)
		o.Rung = f.answer.rung
		w.machine.ProbeDone(w.clock(), f.ID, started, o)
		if w.eager {
			w.poll()
		}
	}
	return len(due) > 0
}

// poll polls the machine, starts its probes, stores its plan, and checks that it asks for nothing twice.
func (w *world) poll() bool {
	probes, next := w.machine.Poll(w.clock(), nil)
	again, same := w.machine.Poll(w.clock(), nil)
	if len(again) > 0 || next != same {
		w.t.Fatalf("%v: a second poll started %v, %+v after %+v", w.now, again, same, next)
	}
	if !next.Wake.IsZero() && !next.Wake.After(w.clock()) {
		w.t.Fatalf("%v: to be woken at %v, which is not in the future", w.now, next.Wake)
	}
	w.wake = next.Wake
	w.awaitTurn()
	for _, p := range probes {
		w.launch(p)
	}
	if holding := w.machine.View(w.clock()).Holding; holding != w.holding {
		w.holding = holding
		w.notef("holding %v", holding)
	}
	planned := next.Plan && w.writing == nil && w.retryAt == 0
	if planned {
		w.write()
	}
	return len(probes) > 0 || planned
}

func (w *world) launch(p Probe) {
	a := w.responses[p.Region]
	if w.ladder(p.Region) && p.Purpose.Climbs() && a.good() && a.after < w.timeout(p.Region) {
		a = w.above[p.Region]
		a.rung = 1
	}
	switch {
	case a.hangs, a.after >= w.timeout(p.Region):
		a = answer{Response: Response{Fault: Timeout}, rung: a.rung, after: w.timeout(p.Region)}
	case a.Status == 0 && a.Fault == NoFault:
		a.Status = 200
	}
	w.probed = append(w.probed, probed{w.now, p.Region, p.Purpose})
	w.inFlight = append(w.inFlight, inFlight{p, w.now, w.now + a.after, a})
}

// good says whether what is asked next in a climb is asked at all.
func (a answer) good() bool {
	unset := a.Status == 0 && a.Fault == NoFault
	return !a.hangs && (unset || outcome(a.Response).Class == Success)
}

func (w *world) ladder(region string) bool {
	return slices.ContainsFunc(w.config.Regions, func(r RegionConfig) bool { return r.Name == region && r.Probe.Ladder })
}

func (w *world) timeout(region string) time.Duration {
	if d, ok := w.timeouts[region]; ok {
		return d
	}
	return probeTimeout
}

func (w *world) notef(format string, args ...any) {
	w.log = append(w.log, inSeconds(w.now)+" "+fmt.Sprintf(format, args...))
}

func (w *world) transcript() string { return strings.Join(w.log, "\n") }

func inSeconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s" }

// want compares the transcript.
func (w *world) want(lines ...string) {
	w.t.Helper()
	if diff := cmp.Diff(lines, w.log); diff != "" {
		w.t.Errorf("transcript (-want +got):\n%s", diff)
	}
}

// probes returns when a region was probed from the given time on.
func (w *world) probes(region string, from time.Duration) string {
	var at []string
	for _, p := range w.probed {
		if p.Region == region && p.At >= from {
			at = append(at, inSeconds(p.At))
		}
	}
	return strings.Join(at, " ")
}
