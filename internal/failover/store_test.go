// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import "slices"

// write begins to store the plan of now.
func (w *world) write() {
	w.t.Helper()
	w.plans++
	p := w.machine.Plan(w.clock())
	if again := w.machine.Plan(w.clock()); !again.Record.Equal(p.Record) {
		w.t.Fatalf("%v: planning twice gives two records: %+v and %+v", w.now, p.Record, again.Record)
	}
	w.checkLimits(p)
	switch {
	case !p.Changed:
		w.settle(p)
	case w.store.takes > 0:
		w.writing = &writing{p, w.now + w.store.takes, w.revision}
	default:
		w.commit(p)
	}
}

func (w *world) finishWrite() bool {
	if w.writing == nil || w.writing.done > w.now {
		return false
	}
	writing := *w.writing
	w.writing = nil
	w.store.conflicts = w.store.conflicts || writing.revision != w.revision
	w.commit(writing.plan)
	return true
}

// commit lets the write of a plan succeed or fail.
func (w *world) commit(p Plan) {
	w.t.Helper()
	s := w.store
	w.store.conflicts, w.store.loseReply = false, false
	switch {
	case s.fails:
		w.retryAt = w.now + retryWrite
	case s.conflicts:
		w.observe()
	case s.loseReply:
		w.put(p)
		w.observe()
	default:
		w.put(p)
		w.settle(p)
	}
}

// put stores the record of a plan and notes what is new in it.
func (w *world) put(p Plan) {
	w.t.Helper()
	before := w.stored
	w.stored = p.Record
	w.writes++
	w.revision++
	w.tellStored(p)
	for _, t := range p.Transitions {
		if t.Type.MovesRegion() {
			w.notef("#%d %s %s>%s %s", t.Seq, t.Type, t.From, t.To, t.Reason)
		} else {
			w.notef("#%d %s %s %s", t.Seq, t.Type, t.Region, t.Reason)
		}
	}
	switch {
	case before.ActiveRegion == "":
		w.notef("first %s", p.Record.ActiveRegion)
	case before.HandledSwitch != p.Record.HandledSwitch:
		w.notef("switch %s", p.Record.SwitchResult)
	case len(p.Transitions) == 0:
		w.notef("write")
	}
}

func (w *world) settle(p Plan) {
	w.machine.Settle(p)
	for _, n := range p.Notices {
		w.notef("%s", n.Type)
		w.messages = append(w.messages, n.Message)
	}
}

// open returns the regions whose breakers are stored as open.
func (w *world) open() []string {
	var names []string
	for _, r := range w.stored.Regions {
		if r.Open {
			names = append(names, r.Name)
		}
	}
	return slices.Clip(names)
}
