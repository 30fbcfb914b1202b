// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package budget

import "time"

// TokensPerCompletion is how many tokens are set aside for a completion, until the server has told how many it took:
// the question, what a server puts before it, and the few tokens that are asked for. Where a server has told of more,
// it is that.
const TokensPerCompletion = 128

// writesPerLength is about how often something is reserved before a limit is reached.
const writesPerLength = 10

// Limits are what the probes of a region may spend. A negative number stands for no limit.
type Limits struct {
	CompletionsPerHour, TokensPerDay int64
}

// Limited says whether there is a limit at all.
func (l Limits) Limited() bool { return l.CompletionsPerHour >= 0 || l.TokensPerDay >= 0 }

// Spend is what is durable of a [Purse].
type Spend struct {
	Completions, Tokens Record
}

// Equal says whether both say the same.
func (s Spend) Equal(o Spend) bool {
	return s.Completions.Equal(o.Completions) && s.Tokens.Equal(o.Tokens)
}

// Purse pays for the completions that the probes of one region ask for. It is not safe for concurrent use.
type Purse struct {
	limits      Limits
	completions Account
	tokens      Account
	dearest     int64 // the most tokens that a completion took; 0 for none that was told

	total Total
}

// Total is what was spent since the operator started, for metrics.
type Total struct {
	Completions, Tokens int64
}

// Configure sets the limits.
func (p *Purse) Configure(now time.Time, l Limits) {
	p.limits = l
	p.completions.configure(now, Limit{l.CompletionsPerHour, time.Hour})
	p.tokens.configure(now, Limit{l.TokensPerDay, 24 * time.Hour})
}

// Observe takes what is stored.
func (p *Purse) Observe(now time.Time, s Spend) {
	p.completions.observe(now, s.Completions)
	p.tokens.observe(now, s.Tokens)
}

func (p *Purse) hasCompletions() bool { return p.limits.CompletionsPerHour >= 0 }
func (p *Purse) hasTokens() bool      { return p.limits.TokensPerDay >= 0 }

// price is how many tokens are set aside for n completions.
func (p *Purse) price(n int64) int64 { return n * max(TokensPerCompletion, p.dearest) }

// Pay pays for n completions, if they are reserved.
func (p *Purse) Pay(now time.Time, n int64) bool {
	if !p.Reserved(n) {
		return false
	}
	if p.hasCompletions() {
		p.completions.take(now, n)
	}
	if p.hasTokens() {
		p.tokens.take(now, p.price(n))
	}
	p.total.Completions += n
	p.total.Tokens += p.price(n)
	return true
}

// Reserved says whether n completions can be paid for.
func (p *Purse) Reserved(n int64) bool {
	return (!p.hasCompletions() || p.completions.reserved >= n) && (!p.hasTokens() || p.tokens.reserved >= p.price(n))
}

// Paid tells how many tokens a completion took that was paid for with price tokens. A negative number stands for one
// that is not known, and counts as the whole price.
func (p *Purse) Paid(now time.Time, price, took int64) {
	if took < 0 {
		took = price
	}
	p.dearest = max(p.dearest, took)
	p.total.Tokens += took - price
	switch {
	case !p.hasTokens():
	case took < price:
		p.tokens.giveBack(now, price-took)
	default:
		p.tokens.charge(now, took-price)
	}
}

// Price is how many tokens the next completion is paid for with.
func (p *Purse) Price() int64 { return p.price(1) }

// Affords says whether n completions could be reserved, or are.
func (p *Purse) Affords(now time.Time, n int64) bool {
	at := p.FreeAt(now, n)
	return !at.IsZero() && !at.After(now)
}

// FreeAt returns when n completions can be reserved at the latest, if no others are; zero for never.
func (p *Purse) FreeAt(now time.Time, n int64) time.Time {
	at := now
	if p.hasCompletions() {
		at = p.completions.freeAt(now, n)
	}
	if p.hasTokens() && !at.IsZero() {
		other := p.tokens.freeAt(now, p.price(n))
		if other.IsZero() || other.After(at) {
			at = other
		}
	}
	return at
}

// Propose returns what to store so that n completions can be paid for, and some more, as far as the limits allow.
func (p *Purse) Propose(now time.Time, n int64) Spend {
	var s Spend
	some := max(n, 1)
	if p.hasCompletions() {
		some = max(n, chunk(p.limits.CompletionsPerHour))
		s.Completions = p.completions.propose(now, some)
		some = s.Completions.Reserved
	}
	if p.hasTokens() {
		tokens := p.price(some)
		if !p.hasCompletions() {
			tokens += chunk(p.limits.TokensPerDay)
		}
		s.Tokens = p.tokens.propose(now, tokens)
	}
	return s
}

func chunk(limit int64) int64 { return (limit + writesPerLength - 1) / writesPerLength }

// Settle tells that what was proposed last is stored.
func (p *Purse) Settle() {
	if p.hasCompletions() {
		p.completions.settle()
	}
	if p.hasTokens() {
		p.tokens.settle()
	}
}

// Total returns what was spent since the operator started.
func (p *Purse) Total() Total { return p.total }
