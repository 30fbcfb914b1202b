// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"container/list"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// turnLasts is how long a turn that was given may be used: a move is stored within milliseconds, unless its evidence
// is to be found out anew or the API server does not answer.
const turnLasts = time.Second

// turns lets failovers and failbacks of all backends go one after the other, at a bounded rate, so that one mistake
// does not move a fleet at once. Who has waited longest and is ready comes first.
type turns struct {
	limiter *rate.Limiter
	tell    func(waiting int)

	mu      sync.Mutex
	queue   list.List // of *turn, in the order in which they began to wait
	waiting int       // how many of them wait for nothing but their turn
	timer   *time.Timer
}

// turn is one backend's place among the turns. Its fields are guarded by the lock of the turns.
type turn struct {
	call  func()        // tells the backend that it has its turn
	place *list.Element // nil while it does not wait
	ready bool          // nothing is missing but the turn
	until time.Time     // the end of the turn that it has

	counted bool // as one that waits
}

// newTurns returns turns at a rate; nil, which is no limit, if that is 0. It tells how many wait when that changes.
func newTurns(perSecond float64, tell func(waiting int)) *turns {
	if perSecond <= 0 {
		return nil
	}
	return &turns{limiter: rate.NewLimiter(rate.Limit(perSecond), 1), tell: tell}
}

// ask tells how a backend stands, and returns the end of its turn if it has one. A backend that wants to move and is
// not ready keeps its place, and others go before it. The backend's own lock may be held: nothing is called.
func (q *turns) ask(now time.Time, t *turn, wanted, ready bool) (until time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t.ready = ready
	switch {
	case !wanted && t.place != nil:
		q.queue.Remove(t.place)
		t.place, t.until = nil, time.Time{}
	case ready && t.place == nil:
		t.place = q.queue.PushBack(t)
	}
	if q.first(now) == t {
		q.give(now, t)
	}
	q.note(now, t)
	q.arm(now)
	return t.until
}

// first returns who is to have the next turn; nil if nobody is ready.
func (q *turns) first(now time.Time) *turn {
	for e := q.queue.Front(); e != nil; e = e.Next() {
		if t := e.Value.(*turn); t.ready && !now.Before(t.until) {
			return t
		}
	}
	return nil
}

func (q *turns) give(now time.Time, t *turn) bool {
	given := q.limiter.AllowN(now, 1)
	if given {
		t.until = now.Add(turnLasts)
		q.note(now, t)
	}
	return given
}

// arm sets the timer to the next turn that somebody is ready for.
func (q *turns) arm(now time.Time) {
	if q.timer == nil {
		q.timer = time.AfterFunc(time.Hour, q.next)
	}
	if q.first(now) == nil {
		q.timer.Stop()
		return
	}
	missing := (1 - q.limiter.TokensAt(now)) / float64(q.limiter.Limit())
	q.timer.Reset(max(time.Duration(missing*float64(time.Second)), time.Millisecond))
}

// next gives the next turn.
func (q *turns) next() {
	q.mu.Lock()
	now := time.Now()
	t := q.first(now)
	given := t != nil && q.give(now, t)
	q.arm(now)
	q.mu.Unlock()
	if given {
		t.call()
	}
}

// note counts who waits for nothing but the turn, and tells when that changes.
func (q *turns) note(now time.Time, t *turn) {
	waits := t.place != nil && t.ready && !now.Before(t.until)
	if waits == t.counted {
		return
	}
	t.counted = waits
	if waits {
		q.waiting++
	} else {
		q.waiting--
	}
	q.tell(q.waiting)
}

// pacedBy has the backend wait for its turn before it moves traffic by itself; nil for never. It is called before
// anything else.
func (b *backend) pacedBy(q *turns) *backend {
	b.turns, b.turn.call = q, b.wake
	return b
}

// takeTurn says whether a move that was waiting for its turn may be made now.
func (b *backend) takeTurn(now time.Time) bool {
	if b.turns == nil {
		return false
	}
	wanted, ready := b.machine.Turn(now)
	if !wanted && !b.queued {
		return false
	}
	until := b.turns.ask(now, &b.turn, wanted, ready)
	b.queued = wanted
	b.machine.GiveTurn(until)
	return ready && now.Before(until)
}

// leaveTurns gives up the turn, or the place in the queue: the move is made, or never will be.
func (b *backend) leaveTurns(now time.Time) {
	if b.turns != nil && b.queued {
		b.turns.ask(now, &b.turn, false, false)
		b.queued = false
	}
}
