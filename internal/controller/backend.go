// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"k8s.io/apimachinery/pkg/types"

	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/metrics"
	"github.com/breakwater-dev/breakwater/internal/probe"
)

// Prober makes probes. Its methods return within the target's timeout, or soon after ctx ends.
type Prober interface {
	// Probe makes one probe.
	Probe(ctx context.Context, target probe.Target) probe.Result
	// Addresses returns the addresses that the target has and that may be published. It makes no call for those
	// of a target without Host.
	Addresses(ctx context.Context, target probe.Target) []netip.Addr
}

// backend is the running part of one LLMBackend: its decision, its probes under way and the timer that
// wakes the decision. It lives from the first reconcile to the deletion of the LLMBackend.
type backend struct {
	prober Prober
	ask    func()            // asks for a reconcile; never called under mu
	meter  *metrics.Operator // nil for none
	tracer trace.Tracer      // nil for none
	key    types.NamespacedName

	ctx    context.Context // ends the probes of this backend
	cancel context.CancelFunc
	probes sync.WaitGroup

	mu      sync.Mutex
	machine failover.Machine
	active  string
	reads   *failover.Classifier
	regions map[string]*regionEndpoint
	purses  map[string]*regionPurse // of the regions whose probes ask for completions
	shown   destination             // what is published of the active region
	alarm   alarm
	watch   *watch           // of what Prometheus knows of real traffic; nil for none
	due     []failover.Probe // reused by poll
	asked   bool             // a reconcile is to come or under way
	tally   tally
	stopped bool

	turns  *turns // that moves wait for; nil if they do not
	turn   turn
	queued bool // turns know of a move that is under way
}

func newBackend(ctx context.Context, prober Prober, ask func()) *backend {
	b := &backend{prober: prober, ask: ask, regions: map[string]*regionEndpoint{}}
	b.ctx, b.cancel = context.WithCancel(ctx)
	return b
}

// stop ends the probes and waits for them.
func (b *backend) stop() {
	b.mu.Lock()
	b.stopped = true
	b.alarm.stop()
	b.leaveTurns(time.Now())
	b.mu.Unlock()
	b.cancel()
	b.probes.Wait()
}

// observe hands the decision what was read, and returns what it proposes to store.
func (b *backend) observe(in failover.Input, endpoints map[string]*regionEndpoint, reads *failover.Classifier) failover.Plan {
	for _, e := range endpoints {
		if e.isService() {
			e.resolved = b.prober.Addresses(b.ctx, *e.target)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.asked = true
	b.reads = reads
	b.configurePurses(now, endpoints, in.Record)
	for name, e := range endpoints {
		if old, ok := b.regions[name]; ok && old.identity == e.identity {
			old.retarget(e)
			endpoints[name] = old
		}
	}
	b.regions = endpoints
	in.Config.Paced = b.turns != nil
	b.machine.Observe(now, in)
	b.active = in.Record.ActiveRegion
	b.poll(now)
	return b.machine.Plan(now)
}

// settle tells the decision that a plan is stored and lets it go on.
func (b *backend) settle(p failover.Plan) {
	b.mu.Lock()
	b.machine.Settle(p)
	b.tally.settled(p.Transitions)
	b.followMove(p)
	b.asked = false
	now := time.Now()
	ask := b.poll(now) || b.needReserve(now) && b.askOnce()
	b.mu.Unlock()
	if ask {
		b.ask()
	}
}

// followMove notes that another region is active. After a switch only what answered the newest probe there
// is to be shown; after a reset all that the region has, since nothing is known any more.
func (b *backend) followMove(p failover.Plan) {
	b.active = p.Record.ActiveRegion
	for _, t := range p.Transitions {
		if !t.Type.MovesRegion() {
			continue
		}
		b.shown = destination{}
		b.leaveTurns(time.Now())
		if e, ok := b.regions[b.active]; ok {
			if t.Type == failover.Reset {
				e.answers.Forget()
			} else {
				e.answers.Narrow()
			}
		}
	}
}

// view returns what a person should be told now.
func (b *backend) view() (view failover.View, deciding bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.machine.View(time.Now()), b.machine.Deciding()
}

// wake lets the decision look again.
func (b *backend) wake() {
	b.mu.Lock()
	ask := b.poll(time.Now())
	b.mu.Unlock()
	if ask {
		b.ask()
	}
}

// ring is wake for the timer, whose goroutine it may keep: it makes the first probe that is due by itself. Most of the
// time that is the only one, and another goroutine for it would cost more than what is decided.
func (b *backend) ring() {
	growStack(0)
	var first *climb
	b.mu.Lock()
	ask := b.pollAnd(time.Now(), func(c *climb) {
		if first != nil {
			b.launch(c)
			return
		}
		first = c
		b.probes.Add(1)
	})
	b.mu.Unlock()
	if ask {
		b.ask()
	}
	if first != nil {
		defer b.probes.Done()
		b.probe(first)
	}
}

// poll starts the probes that are due and sets the timer. It says whether a reconcile is to be asked for.
func (b *backend) poll(now time.Time) (ask bool) { return b.pollAnd(now, b.launch) }

func (b *backend) launch(c *climb) {
	b.probes.Go(func() {
		growStack(0)
		b.probe(c)
	})
}

func (b *backend) pollAnd(now time.Time, start func(*climb)) (ask bool) {
	if b.stopped {
		return false
	}
	var next failover.Next
	b.due, next = b.machine.Poll(now, b.due[:0])
	if b.takeTurn(now) {
		b.due, next = b.machine.Poll(now, b.due)
	}
	for _, p := range b.due {
		start(b.climbOf(p))
	}
	b.alarm.arm(now, next.Wake, b.ring)
	return next.Plan && b.askOnce()
}

func (b *backend) askOnce() bool {
	ask := !b.asked
	b.asked = true
	return ask
}

// probe makes one probe and hands its result to the decision. When the backend stops, the result says
// nothing about the region and is dropped.
func (b *backend) probe(c *climb) {
	span := b.probeSpan(c.Region)
	defer span.End()
	b.ascend(c)
	if b.ctx.Err() != nil {
		return
	}
	b.mu.Lock()
	now := time.Now()
	outcome := b.outcomeOfClimb(now, c)
	news := false
	if e, ok := b.regions[c.Region]; ok && e.identity == c.identity && e.target.Port == c.target.Port {
		e.learn(now, c.below, b.reads)
		b.noteProbe(e, outcome, now.Sub(c.below.Started))
		traceOutcome(span, e, outcome)
		news = e.reviewCredentials(outcome) || c.Region == b.active && b.showsOtherThan(e.answering())
		b.confirm()
	}
	b.machine.ProbeDone(now, c.ID, c.below.Started, outcome)
	ask := b.poll(now) || news && b.askOnce()
	b.mu.Unlock()
	if ask {
		b.ask()
	}
}

// showsOtherThan says whether something else is published than what answers. Where nothing answers, what is
// published stays.
func (b *backend) showsOtherThan(answering destination) bool {
	return !b.shown.empty() && !answering.empty() && !b.shown.equal(answering)
}
