// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// scriptedProber answers probes at once with the status of the host; 0 hangs until the timeout.
type scriptedProber struct {
	mu     sync.Mutex
	status map[string]int
	probes map[string]int
}

func (p *scriptedProber) Probe(ctx context.Context, t probe.Target) probe.Result {
	p.mu.Lock()
	status := p.status[t.Host]
	p.probes[t.Host]++
	p.mu.Unlock()
	result := probe.Result{Started: time.Now(), Families: t.Families}
	answer := probe.Answer{Status: status}
	if status == 0 {
		select {
		case <-time.After(t.Timeout):
			answer.Err = probe.Timeout
		case <-ctx.Done():
			answer.Err = probe.Canceled
		}
	}
	result.Addresses = []probe.AddressResult{{Addr: netip.MustParseAddr(t.Host), Answer: answer}}
	return result
}

func (p *scriptedProber) Addresses(_ context.Context, t probe.Target) []netip.Addr {
	return []netip.Addr{netip.MustParseAddr(t.Host)}
}

func (p *scriptedProber) set(host string, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status[host] = status
}

func (p *scriptedProber) count(host string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.probes[host]
}

const east, west = "10.1.0.10", "10.2.0.10"

// running is a backend and what stands for the reconciler: it stores every plan at once.
type running struct {
	backend *backend
	prober  *scriptedProber
	stored  *llmv1alpha1.LLMBackend
	plans   int
	writes  int           // of the status
	broken  bool          // nothing can be stored
	plan    failover.Plan // the newest
	wakeups chan struct{}
	prepare func(*backend) // before anything else is called; nil for nothing
}

func run(t *testing.T, changes ...func(*llmv1alpha1.LLMBackend)) *running {
	return runPrepared(t, nil, changes...)
}

func runPrepared(t *testing.T, prepare func(*backend), changes ...func(*llmv1alpha1.LLMBackend)) *running {
	r := &running{
		prober:  &scriptedProber{status: map[string]int{east: 200, west: 200}, probes: map[string]int{}},
		stored:  chat(),
		prepare: prepare,
	}
	r.stored.Spec.Secondaries[0].Endpoint.URL = "http://" + west + ":8000"
	for _, change := range changes {
		change(r.stored)
	}
	r.start(t, r.prober)
	return r
}

// start begins with what is stored.
func (r *running) start(t *testing.T, prober Prober) {
	r.wakeups = make(chan struct{}, 1)
	r.backend = newBackend(t.Context(), prober, func() {
		select {
		case r.wakeups <- struct{}{}:
		default:
			t.Error("a second reconcile was asked for while one was to come")
		}
	})
	if r.prepare != nil {
		r.prepare(r.backend)
	}
	r.reconcile(t)
}

func (r *running) reconcile(t *testing.T) failover.Plan {
	in, endpoints, err := inputOf(r.stored, nil, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	plan := r.backend.observe(in, endpoints, &failover.Classifier{FailureStatusCodes: []int{503}})
	r.plans++
	r.plan = plan
	if r.broken {
		return plan
	}
	spend, needed := r.backend.proposeSpend()
	if plan.Changed || needed {
		r.writes++
		translate.WriteRecord(&r.stored.Status, plan.Record)
		translate.WriteSpend(&r.stored.Status, spend)
		r.backend.spendStored()
	}
	plan.Record = translate.Record(&r.stored.Status)
	r.backend.settle(plan)
	return plan
}

// until reconciles as asked until the time is over.
func (r *running) until(t *testing.T, d time.Duration) {
	r.serve(t, d)
	synctest.Wait() // for those who answer in this very instant
}

// serve is until for several at the same time: only one may wait for all others.
func (r *running) serve(t *testing.T, d time.Duration) {
	over := time.After(d)
	for {
		select {
		case <-r.wakeups:
			r.reconcile(t)
		case <-over:
			return
		}
	}
}

func TestBackendFailsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		defer r.backend.stop()
		r.until(t, time.Minute)
		r.prober.set(east, 503)
		r.until(t, 20*time.Second)

		if got := r.stored.Status.ActiveRegion; got != "eu-west" {
			t.Errorf("active region %s, want eu-west", got)
		}
		want := endpointView{
			answering: []netip.Addr{netip.MustParseAddr(west)}, resolved: []netip.Addr{netip.MustParseAddr(west)}, port: 8000,
		}
		if diff := cmp.Diff(want, r.backend.endpoint("eu-west"), cmp.AllowUnexported(endpointView{}),
			cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("what to publish (-want +got):\n%s", diff)
		}
	})
}

// TestBackendIsQuietWhenHealthy: in the steady state nothing asks for a reconcile.
func TestBackendIsQuietWhenHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		defer r.backend.stop()
		r.until(t, 20*time.Second)
		before := r.plans
		r.until(t, time.Hour)
		if r.plans != before {
			t.Errorf("%d reconciles in an hour of health, want 0", r.plans-before)
		}
		if probes := r.prober.count(east); probes < 700 || probes > 730 {
			t.Errorf("%d probes in an hour at a period of 5 s, want about 720", probes)
		}
	})
}

// TestBackendStopLeavesNothing: synctest fails the test if a goroutine is left.
func TestBackendStopLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		r.prober.set(east, 0)
		r.until(t, 11*time.Second) // a probe is under way
		began := time.Now()
		r.backend.stop()
		if took := time.Since(began); took != 0 {
			t.Errorf("stop took %s, want none: probes under way are given up", took)
		}
		probes := r.prober.count(west)
		time.Sleep(time.Hour)
		if got := r.prober.count(west); got != probes {
			t.Errorf("%d probes after stop, want 0", got-probes)
		}
	})
}

// TestBackendForgetsWhatAReaddressedRegionAnswered: the addresses of another endpoint are not to be shown.
func TestBackendForgetsWhatAReaddressedRegionAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		defer r.backend.stop()
		r.until(t, 10*time.Second)
		const moved = "10.3.0.10" // answers 0: hangs
		r.stored.Spec.Primary.Endpoint.URL = "http://" + moved + ":9000"
		r.stored.Generation++
		r.reconcile(t)
		if got := r.backend.endpoint("us-east"); len(got.answering) != 0 || got.port != 9000 {
			t.Errorf("answering %v on port %d, want none on port 9000", got.answering, got.port)
		}
	})
}

// TestBackendConfirmsAnotherEndpointOnDemand: in mode OnDemand the active region is probed when its endpoint is not what
// is published, and no longer once it has answered.
func TestBackendConfirmsAnotherEndpointOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, func(b *llmv1alpha1.LLMBackend) { b.Spec.Probe.Mode = llmv1alpha1.ProbeOnDemand })
		defer r.backend.stop()
		r.backend.endpoint("us-east")
		r.until(t, time.Minute)
		r.backend.published(destination{[]netip.Addr{netip.MustParseAddr(east)}, 8000})
		r.until(t, time.Minute)
		if got := r.prober.count(east); got != 0 {
			t.Errorf("%d probes of what is published, want 0", got)
		}
		r.prober.set(east, 503)
		r.backend.published(destination{[]netip.Addr{netip.MustParseAddr("10.9.9.9")}, 8000})
		r.until(t, 1500*time.Millisecond)
		if got := r.prober.count(east); got != 2 {
			t.Errorf("%d probes while something else is published, want 2: one at once, one after suspectPeriod", got)
		}
		r.prober.set(east, 200)
		r.until(t, time.Minute)
		if got := r.prober.count(east); got != 3 {
			t.Errorf("%d probes when the region has answered, want 3", got)
		}
	})
}
