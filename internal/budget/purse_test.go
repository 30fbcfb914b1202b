// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package budget

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func newPurse(l Limits) *Purse {
	p := &Purse{}
	p.Configure(noon, l)
	return p
}

// spend pays for n completions one by one, storing what has to be, and returns how many were paid and how many writes
// that took.
func spend(p *Purse, now time.Time, n int) (paid, writes int) {
	for range n {
		if !p.Pay(now, 1) {
			if !p.Affords(now, 1) {
				continue
			}
			p.Propose(now, 1)
			p.Settle()
			writes++
			if !p.Pay(now, 1) {
				continue
			}
		}
		paid++
		p.Paid(now, p.Price(), 10)
	}
	return paid, writes
}

// What is spent is stored about ten times before the limit is reached, and no more is spent than is allowed.
func TestSpending(t *testing.T) {
	for _, tt := range []struct {
		name         string
		limits       Limits
		paid, writes int
	}{
		{"none", Limits{0, -1}, 0, 0},
		{"few", Limits{6, -1}, 6, 6},
		{"many", Limits{100, -1}, 100, 10},
		{"tokens alone", Limits{-1, 2000}, 188, 9},
		{"not enough tokens for one", Limits{-1, 127}, 0, 0},
		{"both, tokens are over first", Limits{100, 1000}, 88, 9},
		{"no limit", Limits{-1, -1}, 200, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			paid, writes := spend(newPurse(tt.limits), noon, 200)
			if paid != tt.paid || writes != tt.writes {
				t.Errorf("%d completions with %d writes, want %d with %d", paid, writes, tt.paid, tt.writes)
			}
		})
	}
}

// When a purse that is empty can be used again.
func TestFreeAt(t *testing.T) {
	p := newPurse(Limits{4, -1})
	spend(p, noon, 3)
	spend(p, noon.Add(20*time.Minute), 1)
	for _, tt := range []struct {
		n    int64
		want time.Time
	}{
		{1, noon.Add(75 * time.Minute)}, {3, noon.Add(75 * time.Minute)}, {4, noon.Add(90 * time.Minute)}, {5, time.Time{}},
	} {
		if got := p.FreeAt(noon.Add(20*time.Minute), tt.n); !got.Equal(tt.want) {
			t.Errorf("FreeAt(%d) = %v, want %v", tt.n, got, tt.want)
		}
	}
	if p.Affords(noon.Add(75*time.Minute-1), 1) || !p.Affords(noon.Add(75*time.Minute), 1) {
		t.Error("it can be used again before or after what FreeAt said")
	}
}

// A server that takes more tokens than were set aside: that counts, and so much is set aside from then on.
func TestDearCompletion(t *testing.T) {
	p := newPurse(Limits{-1, 2000})
	p.Propose(noon, 1)
	p.Settle()
	if !p.Pay(noon, 1) {
		t.Fatal("nothing could be paid")
	}
	p.Paid(noon, p.Price(), 900)
	if got := p.Price(); got != 900 {
		t.Errorf("the next one is paid for with %d tokens, want 900", got)
	}
	if paid, _ := spend(p, noon, 30); paid != 21 {
		t.Errorf("%d more completions of 10 tokens, want 21: then fewer than 900 of 2000 are left", paid)
	}
	if diff := cmp.Diff(Total{22, 1110}, p.Total()); diff != "" {
		t.Errorf("total (-want +got):\n%s", diff)
	}
}

// What another process had reserved counts as spent; what this one has reserved stays as it is.
func TestObserve(t *testing.T) {
	first := newPurse(Limits{100, -1})
	stored := first.Propose(noon, 1)
	first.Settle()
	first.Observe(noon.Add(time.Minute), stored)
	first.Pay(noon.Add(time.Minute), 1)
	if diff := cmp.Diff(Spend{Completions: Record{Reserved: 10}}, stored); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}

	second := newPurse(Limits{100, -1})
	second.Observe(noon.Add(5*time.Minute), stored)
	want := Record{Since: noon.Add(5 * time.Minute), Spent: []int64{10}, Reserved: 10}
	if diff := cmp.Diff(want, second.Propose(noon.Add(5*time.Minute), 1).Completions); diff != "" {
		t.Errorf("stored by the next (-want +got):\n%s", diff)
	}
}
