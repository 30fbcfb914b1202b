// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"fmt"
	"slices"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// maxRounds bounds what may follow from itself within one instant.
const maxRounds = 1000

// epoch is when virtual time begins.
func epoch() time.Time { return time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC) }

// world plays the regions, the prober and the store around a Machine.
type world struct {
	now      time.Duration
	timeline []pending // what is still to come, in order

	backend *llmv1alpha1.LLMBackend // as stored; its status is the record
	regions map[string]region       // of the spec
	order   []string                // of the spec
	reads   *failover.Classifier

	machine   *failover.Machine
	responses map[string]Response
	inFlight  []inFlight
	probes    []failover.Probe // reused by poll
	wake      time.Time

	transcript []Transition
}

// pending is an entry of the timeline and when it happens next.
type pending struct {
	at     time.Duration
	index  int // in the file
	action Action
	left   int // how often it happens, this time included
}

// region is what a probe of the region needs to know.
type region struct {
	tcp     bool
	ladder  bool
	timeout time.Duration
}

// inFlight is a probe under way.
type inFlight struct {
	failover.Probe
	started, due time.Duration
	response     failover.Response
	rung         int
}

func newWorld(s *Scenario) *world {
	w := &world{machine: &failover.Machine{}, responses: map[string]Response{}}
	for i, e := range s.Timeline {
		times := 1
		if c, ok := e.Action.(Calls); ok {
			times = c.Times
		}
		w.timeline = append(w.timeline, pending{at: e.At, index: i, action: e.Action, left: times})
	}
	w.backend = s.Backend.DeepCopy()
	return w
}

func (w *world) clock() time.Time { return epoch().Add(w.now) }

// observe tells the machine what is stored.
func (w *world) observe() error {
	in, targets, err := translate.Input(w.backend, nil, w.clock())
	if err != nil {
		return err
	}
	w.regions = make(map[string]region, len(targets))
	w.order = w.order[:0]
	for i := range in.Config.Regions {
		r := &in.Config.Regions[i]
		r.Probe.FirstAfter = 0
		w.regions[r.Name] = region{tcp: targets[r.Name].Type == probe.TCP, ladder: r.Probe.Ladder, timeout: targets[r.Name].Timeout}
		w.order = append(w.order, r.Name)
	}
	w.reads = translate.Classifier(w.backend)
	w.machine.Observe(w.clock(), in)
	return nil
}

// next returns when something happens next.
func (w *world) next() (at time.Duration, ok bool) {
	consider := func(t time.Duration) {
		if !ok || t < at {
			at, ok = t, true
		}
	}
	if len(w.timeline) > 0 {
		consider(w.timeline[0].at)
	}
	for i := range w.inFlight {
		consider(w.inFlight[i].due)
	}
	if !w.wake.IsZero() {
		consider(w.wake.Sub(epoch()))
	}
	return at, ok
}

// instant lets everything happen that happens now.
func (w *world) instant() error {
	for range maxRounds {
		played, err := w.play()
		if err != nil {
			return err
		}
		answered := w.answer()
		if acted := w.poll(); !played && !answered && !acted {
			return nil
		}
	}
	return fmt.Errorf("at %s the decision does not come to rest: please report this", w.now)
}

// play lets the entries of the timeline happen that are due.
func (w *world) play() (bool, error) {
	played := false
	for len(w.timeline) > 0 && w.timeline[0].at <= w.now {
		p := w.timeline[0]
		w.timeline = w.timeline[1:]
		if err := p.action.play(w); err != nil {
			return false, err
		}
		played = true
		if p.left--; p.left > 0 {
			p.at += p.action.(Calls).Every
			w.insert(p)
		}
	}
	return played, nil
}

// insert puts a repeated entry where it belongs: entries of equal time stay in the order of the file.
func (w *world) insert(p pending) {
	i, _ := slices.BinarySearchFunc(w.timeline, p, func(a, b pending) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.index - b.index
	})
	w.timeline = slices.Insert(w.timeline, i, p)
}

// answer hands over the answers that are due, the active region's first, then in the order of the spec.
func (w *world) answer() bool {
	var due []inFlight
	w.inFlight = slices.DeleteFunc(w.inFlight, func(f inFlight) bool {
		if f.due <= w.now {
			due = append(due, f)
		}
		return f.due <= w.now
	})
	if len(due) > 1 {
		slices.SortStableFunc(due, func(a, b inFlight) int { return w.rank(a.Region) - w.rank(b.Region) })
	}
	for _, f := range due {
		outcome := w.reads.Classify(f.response)
		outcome.Rung = f.rung
		w.machine.ProbeDone(w.clock(), f.ID, epoch().Add(f.started), outcome)
	}
	return len(due) > 0
}

func (w *world) rank(region string) int {
	if region == w.backend.Status.ActiveRegion {
		return -1
	}
	return slices.Index(w.order, region)
}

// poll lets the machine go on: its probes start, and its plan is stored at once.
func (w *world) poll() bool {
	var next failover.Next
	w.probes, next = w.machine.Poll(w.clock(), w.probes[:0])
	for _, p := range w.probes {
		w.launch(p)
	}
	w.wake = next.Wake
	if next.Plan {
		w.store(w.machine.Plan(w.clock()))
	}
	return len(w.probes) > 0 || next.Plan
}

func (w *world) launch(p failover.Probe) {
	r := w.regions[p.Region]
	response, told := w.responses[p.Region]
	switch {
	case !told:
		response = Response{Response: failover.Response{Status: 200}}
	case response.Hangs || response.Latency >= r.timeout:
		response = Response{Response: failover.Response{Fault: failover.Timeout}, Latency: r.timeout}
	}
	response.Response.Latency = response.Latency
	if r.tcp && response.Fault == failover.NoFault { // it asks no more than a connection
		response.Response = failover.Response{Connected: true, Latency: response.Latency}
	}
	rung := 0
	if r.ladder && p.Purpose.Climbs() && w.reads.Classify(response.Response).Class == failover.Success {
		rung = 1
		if response.Climbed != 0 {
			response.Response = failover.Response{Status: response.Climbed, Latency: response.Latency}
		}
	}
	w.inFlight = append(w.inFlight, inFlight{p, w.now, w.now + response.Latency, response.Response, rung})
}

// store writes a plan as the operator does, and notes its transitions.
func (w *world) store(p failover.Plan) {
	active := w.backend.Status.ActiveRegion
	for _, t := range p.Transitions {
		if t.Type.MovesRegion() {
			active = t.To
		}
		w.transcript = append(w.transcript, Transition{
			At: t.Time.Sub(epoch()), Seq: t.Seq, Type: string(t.Type),
			Region: t.Region, From: t.From, To: t.To, ActiveRegion: active, Reason: t.Reason,
		})
	}
	if p.Changed {
		translate.WriteRecord(&w.backend.Status, p.Record)
		p.Record = translate.Record(&w.backend.Status)
	}
	w.machine.Settle(p)
}
