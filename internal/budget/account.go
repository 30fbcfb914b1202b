// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package budget

import (
	"slices"
	"time"
)

// Limit is how much may be spent.
type Limit struct {
	// Max is the most within any time that is as long as Length.
	Max    int64
	Length time.Duration
}

// Pieces is in how many pieces a Length is divided. What was spent counts until Pieces more have begun and ended, and
// so for a length and a quarter at most.
const Pieces = 4

// Resolution is the resolution of stored times.
const Resolution = time.Microsecond

// Record is what is durable of an [Account]. The zero value says that nothing was spent.
type Record struct {
	// Since is when the newest piece of time began.
	Since time.Time
	// Spent is what was spent in each piece, the newest first: 5 at most, zeros at the end left out.
	Spent []int64
	// Reserved is what may have been spent beside that.
	Reserved int64
}

// Equal says whether two records say the same.
func (r Record) Equal(o Record) bool {
	return r.Since.Equal(o.Since) && r.Reserved == o.Reserved && slices.Equal(r.Spent, o.Spent)
}

// Account is what one limit is held against. It is not safe for concurrent use.
type Account struct {
	limit Limit

	since time.Time // when the newest piece began, on the clock of this process
	spent [Pieces + 1]int64
	// reserved is what may be spent now: it is stored as Reserved, or is part of that.
	reserved int64

	stored   Record // as last stored or observed
	proposed Record
	used     int64 // of what was reserved since it was proposed
}

// configure sets the limit.
func (a *Account) configure(now time.Time, l Limit) {
	a.limit = l
	a.roll(now)
	a.reserved = min(a.reserved, a.free())
}

// observe takes what is stored. If this account did not write that, another process did, or a backup was restored:
// what was reserved counts as spent, and so does what this account knows of beside it.
func (a *Account) observe(now time.Time, r Record) {
	if r.Equal(a.stored) {
		return
	}
	a.roll(now)
	known := a.sum()
	a.stored, a.reserved, a.used = r, 0, 0
	a.since, a.spent = now, [Pieces + 1]int64{}
	if !r.Since.IsZero() {
		a.since = now.Add(-max(now.Sub(r.Since), 0)) // a clock that was turned back makes nothing older
	}
	copy(a.spent[:], r.Spent)
	a.roll(now)
	a.spent[0] += r.Reserved
	a.spent[0] += max(known-a.sum(), 0)
}

// roll begins the pieces that have begun by now. Time that goes backwards makes the newest one longer.
func (a *Account) roll(now time.Time) {
	piece := a.limit.Length / Pieces
	if a.since.IsZero() || now.Before(a.since) {
		a.since = now
	}
	begun := int64(now.Sub(a.since) / piece)
	a.since = a.since.Add(time.Duration(begun) * piece)
	for range min(begun, Pieces+1) {
		copy(a.spent[1:], a.spent[:Pieces])
		a.spent[0] = 0
	}
}

func (a *Account) sum() int64 {
	var sum int64
	for _, n := range a.spent {
		sum += n
	}
	return sum
}

// free is what is not spent; it may be reserved.
func (a *Account) free() int64 { return max(a.limit.Max-a.sum(), 0) }

// take spends n of what is reserved. The caller sees to it that so much is.
func (a *Account) take(now time.Time, n int64) {
	a.roll(now)
	a.spent[0] += n
	a.reserved -= n
	a.used += n
}

// giveBack takes back what was taken and not spent after all, as far as it was taken in the newest piece.
func (a *Account) giveBack(now time.Time, n int64) {
	a.roll(now)
	n = min(n, a.spent[0])
	a.spent[0] -= n
	a.reserved += n
	a.used -= n
}

// charge counts what was spent beyond what was taken: of what is reserved as far as there is something, and of what
// is free for the rest.
func (a *Account) charge(now time.Time, n int64) {
	a.roll(now)
	a.spent[0] += n
	covered := min(n, a.reserved)
	a.reserved -= covered
	a.used += covered
	a.reserved = min(a.reserved, a.free())
}

// propose returns what to store so that n, or as much of it as is free, are reserved.
func (a *Account) propose(now time.Time, n int64) Record {
	a.roll(now)
	r := Record{Reserved: min(max(n, a.reserved), a.free())}
	if a.sum() > 0 {
		r.Since = a.since.Round(0).UTC().Truncate(Resolution)
		last := Pieces
		for a.spent[last] == 0 {
			last--
		}
		r.Spent = slices.Clone(a.spent[:last+1])
	}
	a.proposed, a.used = r, 0
	return r
}

// settle tells that what was proposed last is stored.
func (a *Account) settle() {
	a.stored = a.proposed
	a.reserved = max(min(a.proposed.Reserved-a.used, a.free()), 0)
}

// freeAt returns when n can be reserved at the latest, if nothing else is spent; zero if never.
func (a *Account) freeAt(now time.Time, n int64) time.Time {
	a.roll(now)
	if n > a.limit.Max {
		return time.Time{}
	}
	if n <= a.free() {
		return now
	}
	left := a.sum()
	for passed := range Pieces + 1 {
		left -= a.spent[Pieces-passed]
		if left+n <= a.limit.Max {
			return a.since.Add(time.Duration(passed+1) * a.limit.Length / Pieces)
		}
	}
	return time.Time{}
}
