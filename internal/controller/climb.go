// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/netip"
	"slices"
	"time"

	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// climb is one probe: what it asks first, and what it asks above that if its purpose is worth it and the answers below
// are good.
type climb struct {
	failover.Probe
	identity string
	target   *probe.Target
	ladder   []translate.Rung // nothing for a routine probe
	reads    *failover.Classifier
	left     time.Duration // of the time that the probe may take

	// below is what was seen, address by address: the newest answer of each.
	below probe.Result
	// top is what the highest rung said that was asked, and rung its number, 0 for the target's own question.
	top  probe.Result
	rung int
	// completed: a completion was asked for. unpaid: one more should have been, and could not be paid for.
	completed, unpaid bool
}

// climbOf prepares a probe.
func (b *backend) climbOf(p failover.Probe) *climb {
	e := b.regions[p.Region]
	c := &climb{Probe: p, identity: e.identity, target: e.target, reads: b.reads}
	if p.Purpose.Climbs() {
		c.ladder = e.ladder
	}
	return c
}

// ascend makes the probe.
func (b *backend) ascend(c *climb) {
	c.left = c.target.Timeout
	c.below = b.make(c, *c.target)
	c.top = c.below
	if len(c.ladder) > 0 { // which may note other answers below than those on top
		c.below.Addresses = slices.Clone(c.below.Addresses)
	}
	for i, rung := range c.ladder {
		good := c.good()
		if good == nil {
			return
		}
		above := rung.Of(*c.target)
		above.Host, above.Addresses = "", good
		ask := b.make
		if above.Type == probe.OpenAICompletion {
			ask = b.complete
		}
		result := ask(c, above)
		if c.unpaid {
			return
		}
		c.top, c.rung = result, i+1
		c.note(result)
	}
}

// make asks one question within what is left of the time. Waiting for a place or for a reserve is not the region's.
func (b *backend) make(c *climb, t probe.Target) probe.Result {
	t.Timeout = c.left
	if t.Timeout <= 0 {
		return probe.Result{Families: t.Families, Err: probe.Timeout}
	}
	var pays *payment // nil for what is not billed
	if t.Type == probe.OpenAICompletion {
		pays = &payment{backend: b, region: c.Region}
		t.Pay = pays.Pay
	}
	result := b.prober.Probe(b.ctx, t)
	c.left -= max(result.Finished.Sub(result.Started), 0)
	if pays != nil && pays.paid {
		b.paid(pays, result)
		c.completed = true
	}
	c.unpaid = result.Err == probe.BudgetExhausted
	return result
}

// complete asks for one completion after the other, each of another address, until one in each family has served.
func (b *backend) complete(c *climb, t probe.Target) probe.Result {
	all := probe.Result{Families: t.Families}
	waiting := byFamily(t)
	for len(waiting) > 0 && b.ctx.Err() == nil {
		t.Addresses = nil
		for _, addrs := range waiting {
			t.Addresses = append(t.Addresses, addrs[0])
		}
		slices.SortFunc(t.Addresses, netip.Addr.Compare)
		result := b.make(c, t)
		if all.Started.IsZero() {
			all.Started = result.Started
		}
		if len(result.Addresses) == 0 {
			if len(all.Addresses) == 0 {
				return result
			}
			return all
		}
		all.Addresses = append(all.Addresses, result.Addresses...)
		for family, addrs := range waiting {
			if addrs = addrs[1:]; len(addrs) == 0 || c.served(result, family) {
				delete(waiting, family)
			} else {
				waiting[family] = addrs
			}
		}
	}
	return all
}

// byFamily groups the addresses of a target by the families that must be served; in one group if any will do.
func byFamily(t probe.Target) map[probe.Family][]netip.Addr {
	if len(t.Families) == 0 {
		return map[probe.Family][]netip.Addr{"": t.Addresses}
	}
	groups := map[probe.Family][]netip.Addr{}
	for _, a := range t.Addresses {
		groups[probe.FamilyOf(a)] = append(groups[probe.FamilyOf(a)], a)
	}
	return groups
}

// served says whether an address of the family answered well.
func (c *climb) served(result probe.Result, family probe.Family) bool {
	return slices.ContainsFunc(result.Addresses, func(a probe.AddressResult) bool {
		return (family == "" || probe.FamilyOf(a.Addr) == family) && c.well(a)
	})
}

func (c *climb) well(a probe.AddressResult) bool {
	return answerOutcome(time.Now(), a.Answer, c.reads).Class == failover.Success
}

// good returns the addresses that the next question is for: those that answered the newest one well; none if the
// region as a whole did not.
func (c *climb) good() []netip.Addr {
	if outcomeOf(time.Now(), c.top, c.reads).Class != failover.Success {
		return nil
	}
	var good []netip.Addr
	for _, a := range c.top.Addresses {
		if c.well(a) {
			good = append(good, a.Addr)
		}
	}
	return good
}

// note remembers what addresses said to a question above.
func (c *climb) note(result probe.Result) {
	for _, a := range result.Addresses {
		if i := slices.IndexFunc(c.below.Addresses, func(o probe.AddressResult) bool { return o.Addr == a.Addr }); i >= 0 {
			c.below.Addresses[i] = a
		}
	}
}

// outcomeOfClimb is what the probe says. Where a completion cannot be paid for, what is asked for nothing counts, so
// that traffic is never kept on a region that fails for want of money; but as long as the newest completion failed, it
// is no reason to close a breaker, to go back, or to end a suspicion, unless there will never be another one.
func (b *backend) outcomeOfClimb(now time.Time, c *climb) failover.Outcome {
	outcome := outcomeOf(now, c.top, b.reads)
	outcome.Rung = c.rung
	purse := b.purses[c.Region]
	if purse == nil {
		return outcome
	}
	switch {
	case c.completed && c.unpaid:
		purse.doubted = true
	case c.completed && outcome.Class == failover.Success:
		purse.doubted = false
	case c.completed && (outcome.Class == failover.Failure || outcome.Class == failover.RateLimited):
		purse.doubted = true
	}
	ever := !purse.FreeAt(now, 1).IsZero()
	if c.unpaid && purse.doubted && ever && c.Purpose != failover.Commit && outcome.Class == failover.Success {
		return b.reads.Classify(failover.Response{Fault: failover.BudgetExhausted})
	}
	return outcome
}
