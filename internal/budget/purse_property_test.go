// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package budget

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// bill is what a provider notes: the true time, and how many tokens the completion took.
type bill struct {
	at     time.Duration
	tokens int64
}

// operators are processes that take turns, each with a clock of its own, and the store that they share.
type operators struct {
	t      *rapid.T
	limits Limits
	now    time.Duration
	step   time.Duration // of the clock of the process that leads
	purse  *Purse
	frozen []*Purse // that led before, and may still pay once
	store  Spend
	bills  []bill
	log    []string
}

func (o *operators) clock() time.Time {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(o.now + o.step)
}

func (o *operators) notef(format string, args ...any) {
	o.log = append(o.log, o.now.String()+" "+fmt.Sprintf(format, args...))
}

// start begins a new process, which knows what is stored.
func (o *operators) start() {
	o.purse = &Purse{}
	o.purse.Configure(o.clock(), o.limits)
	o.purse.Observe(o.clock(), o.store)
}

// pay pays for n completions, and reserves before, if that is possible, unless the write fails.
func (o *operators) pay(n int64, failing string) {
	o.purse.Observe(o.clock(), o.store)
	if !o.purse.Pay(o.clock(), n) {
		proposed := o.purse.Propose(o.clock(), n)
		switch failing {
		case "refused":
			return
		case "lost": // the reply; what is stored is read again
			o.store = proposed
			o.purse.Observe(o.clock(), o.store)
			return
		}
		o.store = proposed
		o.purse.Settle()
		if !o.purse.Pay(o.clock(), n) {
			o.notef("nothing left for %d", n)
			return
		}
	}
	o.completed(o.purse, n)
}

// completed makes completions that are paid for. A server may take fewer tokens than were set aside, and does not
// always say how many.
func (o *operators) completed(p *Purse, n int64) {
	price := p.Price()
	for range n {
		took := rapid.Int64Range(1, price).Draw(o.t, "took")
		o.bills = append(o.bills, bill{o.now, took})
		if rapid.Bool().Draw(o.t, "told") {
			p.Paid(o.clock(), price, took)
		} else {
			p.Paid(o.clock(), price, -1)
		}
	}
	o.notef("%d completions", n)
}

// check holds the bills against the limits, whichever hour and whichever day one looks at.
func (o *operators) check() {
	for i, first := range o.bills {
		var completions, tokens int64
		for _, b := range o.bills[i:] {
			if b.at-first.at < time.Hour {
				completions++
			}
			if b.at-first.at < 24*time.Hour {
				tokens += b.tokens
			}
		}
		if o.limits.CompletionsPerHour >= 0 && completions > o.limits.CompletionsPerHour {
			o.t.Fatalf("%d completions in the hour from %v, allowed are %d\n%q", completions, first.at, o.limits.CompletionsPerHour, o.log)
		}
		if o.limits.TokensPerDay >= 0 && tokens > o.limits.TokensPerDay {
			o.t.Fatalf("%d tokens in the day from %v, allowed are %d\n%q", tokens, first.at, o.limits.TokensPerDay, o.log)
		}
	}
}

// TestLimitsAreNeverExceeded: whatever restarts, crashes, writes and clocks that are turned back do.
func TestLimitsAreNeverExceeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := &operators{t: t, limits: Limits{
			CompletionsPerHour: rapid.Int64Range(-1, 25).Draw(t, "completions"),
			TokensPerDay:       rapid.SampledFrom([]int64{-1, 0, 100, 128, 1000, 5000}).Draw(t, "tokens"),
		}}
		o.start()
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			longest := rapid.SampledFrom([]time.Duration{time.Second, 10 * time.Minute, time.Hour, 20 * time.Hour}).Draw(t, "longest")
			o.now += time.Duration(rapid.Int64Range(0, int64(longest)).Draw(t, "passes"))
			switch rapid.SampledFrom([]string{"pay", "pay", "pay", "restart", "frozen", "thawed", "clock"}).Draw(t, "event") {
			case "restart":
				o.notef("restart")
				o.start()
			case "clock":
				o.step -= time.Duration(rapid.Int64Range(0, int64(30*time.Hour)).Draw(t, "back"))
				o.notef("restart, and the clock is turned back")
				o.start()
			case "frozen":
				o.notef("another one leads")
				o.frozen = append(o.frozen, o.purse)
				o.start()
				o.purse.Propose(o.clock(), 1) // which it does before anything else is paid for
				o.pay(1, "")
			case "thawed":
				if len(o.frozen) == 0 {
					continue
				}
				p := o.frozen[len(o.frozen)-1]
				o.frozen = nil
				o.notef("the one before wakes up")
				if p.Pay(o.clock(), 1) {
					o.completed(p, 1)
				}
			default:
				o.pay(rapid.Int64Range(1, 3).Draw(t, "n"), rapid.SampledFrom([]string{"", "", "", "refused", "lost"}).Draw(t, "write"))
			}
			o.check()
		}
	})
}
