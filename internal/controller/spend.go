// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"slices"
	"time"

	"github.com/breakwater-dev/breakwater/internal/budget"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/probe"
)

// regionPurse pays for the completions of one region's probes.
type regionPurse struct {
	budget.Purse
	limited bool
	// wanted is how many completions wait to be reserved; 0 for none.
	wanted int64
	// reserved is closed when something was reserved.
	reserved chan struct{}
	// denied: the newest completion that was wanted could not be paid for.
	denied bool
	// doubted: the newest completion failed, or nobody knows, and the region's breaker was open.
	doubted bool
}

// configurePurses brings the purses up to the spec and to what is stored.
func (b *backend) configurePurses(now time.Time, endpoints map[string]*regionEndpoint, stored failover.Record) {
	purses := map[string]*regionPurse{}
	for name, e := range endpoints {
		if !e.billed {
			continue
		}
		p := b.purses[name]
		if p == nil {
			open := slices.ContainsFunc(stored.Regions, func(r failover.RegionRecord) bool { return r.Name == name && r.Open })
			p = &regionPurse{reserved: make(chan struct{}), doubted: open}
		}
		p.limited = e.limits.Limited()
		p.Configure(now, e.limits)
		p.Observe(now, e.spend)
		purses[name] = p
	}
	b.purses = purses
}

// proposeSpend returns what the status is to say of the regions' purses, and whether it has to be written for that.
func (b *backend) proposeSpend() (spend map[string]budget.Spend, needed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	needed = b.needReserve(now)
	spend = map[string]budget.Spend{}
	for name, p := range b.purses {
		if p.limited {
			spend[name] = p.Propose(now, max(p.wanted, 1))
		}
	}
	return spend, needed
}

// spendStored tells that what was proposed last is stored.
func (b *backend) spendStored() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.purses {
		p.Settle()
		p.wanted = 0
		close(p.reserved)
		p.reserved = make(chan struct{})
	}
}

// needReserve says whether something is to be reserved, and can be.
func (b *backend) needReserve(now time.Time) bool {
	for _, p := range b.purses {
		if p.wanted > 0 && !p.Reserved(p.wanted) && p.Affords(now, p.wanted) {
			return true
		}
	}
	return false
}

// payment pays for the completions of one call of the prober.
type payment struct {
	backend *backend
	region  string
	price   int64 // tokens that were set aside for each
	paid    bool
}

// Pay pays for n completions, and says whether it could. What is not reserved yet is waited for as long as ctx lasts.
func (p *payment) Pay(ctx context.Context, n int) bool {
	for {
		paid, reserved := p.backend.pay(p, int64(n))
		if paid || reserved == nil {
			return paid
		}
		select {
		case <-reserved:
		case <-ctx.Done():
			return false
		}
	}
}

// pay pays if it can. If not, reserved is closed when it is worth to try again; nil for not soon.
func (b *backend) pay(p *payment, n int64) (paid bool, reserved <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	purse, now := b.purses[p.region], time.Now()
	if purse == nil || b.stopped {
		return false, nil
	}
	p.price = purse.Price()
	p.paid = purse.Pay(now, n)
	news := purse.denied == p.paid
	purse.denied = !p.paid && !purse.Affords(now, n)
	switch {
	case p.paid && !purse.Reserved(1):
		purse.wanted = max(purse.wanted, 1)
	case !p.paid:
		purse.wanted = max(purse.wanted, n)
		if !purse.denied {
			reserved = purse.reserved
		}
	}
	if (news || b.needReserve(now)) && b.askOnce() {
		b.probes.Go(b.ask)
	}
	return p.paid, reserved
}

// paid tells what the completions took that the payment was for.
func (b *backend) paid(p *payment, result probe.Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if purse := b.purses[p.region]; purse != nil {
		for _, a := range result.Addresses {
			if a.Err != probe.Forbidden {
				purse.Paid(time.Now(), p.price, tokensOf(a.Answer))
			}
		}
	}
}

// tokensOf returns how many tokens a completion took, or a negative number if that is not known. What a server refuses
// is not billed.
func tokensOf(a probe.Answer) int64 {
	switch {
	case a.Tokens > 0:
		return a.Tokens
	case a.Status >= 400, a.Err == probe.ConnectionRefused, a.Err == probe.Unreachable, a.Err == probe.TLS:
		return 0
	default:
		return -1
	}
}

// budgetsExhausted returns the regions for whose completions nothing is left, and after what time that ends for one of
// them; 0 for not by itself.
func (b *backend) budgetsExhausted() (regions []string, freeIn time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for name, p := range b.purses {
		if !p.denied || p.Affords(now, 1) {
			continue
		}
		regions = append(regions, name)
		if at := p.FreeAt(now, 1); !at.IsZero() && (freeIn == 0 || at.Sub(now) < freeIn) {
			freeIn = at.Sub(now)
		}
	}
	slices.Sort(regions)
	return regions, freeIn
}

// lookAgain is after what time to reconcile without being asked; 0 for never.
func (s *scope) lookAgain(p publication) time.Duration {
	_, freeIn := s.entry.backend.budgetsExhausted()
	if freeIn == 0 || p.lookAgain > 0 && p.lookAgain < freeIn {
		return p.lookAgain
	}
	return freeIn
}
