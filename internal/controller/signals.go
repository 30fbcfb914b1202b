// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/signals/prometheus"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// toldAfter is how many evaluations in a row have the same problem, or none, before that is told.
const toldAfter = 3

// evaluator asks Prometheus servers.
type evaluator interface {
	// Allows says whether a server may be asked.
	Allows(server string) bool
	// Evaluate asks about one region, and returns soon after ctx ends.
	Evaluate(ctx context.Context, s prometheus.Signal, r prometheus.Region) prometheus.Verdict
}

// watch asks a Prometheus server about the regions of one backend, again and again. Its doubts
// are guarded by the backend's lock.
type watch struct {
	client evaluator
	signal prometheus.Signal
	// most bounds what one evaluation counts as: as many failures as may be needed to open a breaker.
	most   int
	ctx    context.Context // ends the evaluations
	cancel context.CancelFunc
	doubts map[string]*doubt // by region
}

// doubt is what there is to tell of the evaluations of one region.
type doubt struct {
	newest, told prometheus.Problem
	run          int
	known        bool // told has been settled
}

// note takes the problem of the newest evaluation, and says whether there is something else to tell.
func (d *doubt) note(p prometheus.Problem) (news bool) {
	if p != d.newest {
		d.newest, d.run = p, 0
	}
	d.run++
	if d.run < toldAfter || d.known && d.told == p {
		return false
	}
	news = !d.known || d.told != p
	d.told, d.known = p, true
	return news
}

// followSignals has a Prometheus server asked as the spec says, and no longer as it said before.
func (b *backend) followSignals(of *llmv1alpha1.LLMBackend, client evaluator) {
	signal := translate.Signal(of)
	most := max(1, int(of.Spec.Breaker.FailureThreshold))
	if a := translate.MaxFailureThreshold(of); a > 0 {
		most = a
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped || b.watch != nil && signal != nil && b.watch.most == most && reflect.DeepEqual(b.watch.signal, *signal) || b.watch == nil && signal == nil {
		return
	}
	if b.watch != nil {
		b.watch.cancel()
		b.watch = nil
	}
	if signal == nil {
		return
	}
	w := &watch{client: client, signal: *signal, most: most, doubts: map[string]*doubt{}}
	for _, r := range signal.Regions {
		w.doubts[r.Name] = &doubt{}
	}
	w.ctx, w.cancel = context.WithCancel(b.ctx)
	b.watch = w
	if !client.Allows(signal.Server) {
		for _, d := range w.doubts {
			*d = doubt{told: prometheus.NotAllowed, known: true}
		}
		return
	}
	b.probes.Go(func() { b.evaluate(w) })
}

// evaluate asks every period or a little later, and at first soon, so that many backends do not ask at once.
func (b *backend) evaluate(w *watch) {
	pause := wait.Jitter(w.signal.Period/10, 9)
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-time.After(pause):
		}
		for _, r := range w.signal.Regions {
			b.judge(w, r.Name, w.client.Evaluate(w.ctx, w.signal, r))
		}
		pause = wait.Jitter(w.signal.Period, 0.2)
	}
}

// judge takes one evaluation. It counts as the failures of its calls, and no more than may open the breaker. Calls
// from before the breaker closed, or before the region had its endpoint, are no news, and good ones prove nothing of
// now: they take back no failure that a probe has met since.
func (b *backend) judge(w *watch, region string, v prometheus.Verdict) {
	b.mu.Lock()
	if b.watch != w || b.stopped {
		b.mu.Unlock()
		return
	}
	now := time.Now()
	news := w.doubts[region].note(v.Problem)
	since := b.machine.ClosedSince(region)
	if v.Failing && !since.IsZero() && now.Sub(since) >= w.signal.Window {
		b.traffic(now, region, b.reads.Classify(failover.Response{Fault: failover.ErrorRatio}), min(v.Calls, w.most))
	}
	ask := b.poll(now) || news && b.askOnce()
	b.mu.Unlock()
	if ask {
		b.ask()
	}
}

// signalProblems says, by region, what evaluations have told; nil if there is no signal, and without the regions of
// which nothing has been told yet.
func (b *backend) signalProblems() map[string]prometheus.Problem {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watch == nil {
		return nil
	}
	problems := map[string]prometheus.Problem{}
	for region, d := range b.watch.doubts {
		if d.known {
			problems[region] = d.told
		}
	}
	return problems
}
