// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/netip"
	"slices"
	"time"

	"github.com/breakwater-dev/breakwater/internal/budget"
	"github.com/breakwater-dev/breakwater/internal/credentials"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/metrics"
	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// addressPeriod is how often the addresses of an endpoint are looked up while none is known: nothing can be published
// of it then, and one that is probed on demand only may not be looked up otherwise.
const addressPeriod = 5 * time.Second

// regionEndpoint is what the running backend knows of one region's endpoint.
type regionEndpoint struct {
	name     string // of the region
	identity string
	target   *probe.Target // never changed, only replaced: probes under way have it
	answers  *probe.Addresses
	ladder   []translate.Rung // what is asked beyond the target's own question
	billed   bool             // its probes may ask for completions, within limits, of which spend is stored
	limits   budget.Limits
	spend    budget.Spend
	secrets  *credentials.Source // what its probes use; nil if nothing
	problem  string              // why there are none, as told last
	resolved []netip.Addr        // all that the endpoint has and that may be published, answering or not
	looking  bool                // resolved is being found out
	probes   metrics.Probes
}

// isService says whether the endpoint is a Service, whose ready Pods count as answering.
func (e *regionEndpoint) isService() bool { return e.target.Host == "" }

// retarget takes over where the endpoint is now. What answered on another port says nothing of this one.
func (e *regionEndpoint) retarget(now *regionEndpoint) {
	if e.target.Port != now.target.Port {
		e.answers.Forget()
	}
	now.target.Private = e.target.Private // which has the credentials at hand
	e.target = now.target
	if e.isService() {
		e.resolved = now.resolved
	}
}

// learn notes which addresses answered.
func (e *regionEndpoint) learn(now time.Time, result probe.Result, by *failover.Classifier) {
	e.answers.Record(result, func(a probe.Answer) bool {
		return answerOutcome(now, a, by).Class == failover.Success
	})
	if len(result.Addresses) == 0 || e.isService() {
		return
	}
	e.resolved = e.resolved[:0]
	for _, a := range result.Addresses {
		if a.Err != probe.Forbidden {
			e.resolved = append(e.resolved, a.Addr)
		}
	}
}

// destination is where traffic goes: addresses, sorted, and the port that they listen on.
type destination struct {
	addresses []netip.Addr
	port      int32
}

func (d destination) empty() bool { return len(d.addresses) == 0 }

func (d destination) equal(o destination) bool {
	return d.port == o.port && slices.Equal(d.addresses, o.addresses)
}

// answering is where the endpoint answers.
func (e *regionEndpoint) answering() destination {
	if e.isService() {
		return destination{e.answers.Among(e.resolved), int32(e.target.Port)}
	}
	return destination{e.answers.Answering(), int32(e.target.Port)}
}

// endpointView is what a reconcile needs to know of an endpoint.
type endpointView struct {
	answering, resolved []netip.Addr
	port                int32
}

// endpoint returns what is known of the region's endpoint; nothing if the region is not in the spec. Where
// not even an address is known, it is looked up, and a reconcile is asked for when it is found.
func (b *backend) endpoint(region string) endpointView {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.regions[region]
	if !ok {
		return endpointView{}
	}
	answering := e.answering()
	if answering.empty() && len(e.resolved) == 0 && !e.isService() && !e.looking && !b.stopped {
		e.looking = true
		target := *e.target
		b.probes.Go(func() { b.lookUp(e, target) })
	}
	return endpointView{answering: answering.addresses, resolved: slices.Clone(e.resolved), port: answering.port}
}

// lookUp finds out the addresses of an endpoint without probing it, and tries again until there are any, or nobody
// wants them any more.
func (b *backend) lookUp(e *regionEndpoint, target probe.Target) {
	for b.found(e, b.prober.Addresses(b.ctx, target)) {
		again := time.NewTimer(addressPeriod)
		select {
		case <-again.C:
		case <-b.ctx.Done():
			again.Stop()
			return
		}
	}
}

// found takes what a look-up has found, and says whether to look again.
func (b *backend) found(e *regionEndpoint, addresses []netip.Addr) (again bool) {
	b.mu.Lock()
	if len(e.resolved) == 0 {
		e.resolved = addresses
	}
	if len(e.resolved) == 0 && !b.stopped && b.regions[e.name] == e {
		b.mu.Unlock()
		return true
	}
	e.looking = false
	b.confirm()
	ask := b.poll(time.Now())
	ask = len(addresses) > 0 && !b.stopped && b.askOnce() || ask
	b.mu.Unlock()
	if ask {
		b.ask()
	}
	return false
}

// published notes what is shown of the active region, so that a change of what answers is noticed.
func (b *backend) published(shown destination) {
	b.mu.Lock()
	b.shown = shown
	b.confirm()
	ask := b.poll(time.Now())
	b.mu.Unlock()
	if ask {
		b.ask()
	}
}

// confirm has the active region probed if what is published of it is not where its endpoint is, as far as that is
// known: the endpoint was changed, or somebody else wrote the slices. The ready Pods of a Service need no probe.
func (b *backend) confirm() {
	e, ok := b.regions[b.active]
	if !ok || e.isService() || b.shown.empty() || len(e.resolved) == 0 {
		return
	}
	elsewhere := slices.ContainsFunc(b.shown.addresses, func(a netip.Addr) bool { return !slices.Contains(e.resolved, a) })
	if elsewhere || b.shown.port != int32(e.target.Port) {
		b.machine.Confirm()
	}
}
