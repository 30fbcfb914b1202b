// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/signals/intake"
	"github.com/breakwater-dev/breakwater/internal/signals/prometheus"
)

const serverURL = "http://prometheus.monitoring.svc:9090"

// scriptedEvaluator says of each region what it was told to, and counts how often it is asked.
type scriptedEvaluator struct {
	mu       sync.Mutex
	verdicts map[string]prometheus.Verdict
	asked    int
}

func (e *scriptedEvaluator) Allows(server string) bool { return server == serverURL }

func (e *scriptedEvaluator) Evaluate(_ context.Context, _ prometheus.Signal, r prometheus.Region) prometheus.Verdict {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked++
	return e.verdicts[r.Name]
}

func (e *scriptedEvaluator) set(region string, v prometheus.Verdict) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.verdicts[region] = v
}

func (e *scriptedEvaluator) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.asked
}

// signalled is a backend whose real traffic is watched.
func signalled(t *testing.T, changes ...func(*llmv1alpha1.LLMBackend)) (*running, *scriptedEvaluator) {
	t.Helper()
	r := run(t, append(changes, func(b *llmv1alpha1.LLMBackend) {
		b.Spec.Signals.Prometheus = llmv1alpha1.PrometheusSignal{
			Server: serverURL, Preset: llmv1alpha1.SignalEnvoy, Window: "1m", Period: "15s", MinCalls: 10, FailurePercent: 50,
		}
	})...)
	e := &scriptedEvaluator{verdicts: map[string]prometheus.Verdict{}}
	r.backend.followSignals(r.stored, e)
	return r, e
}

func breakerReason(r *running, region int) string {
	b := r.stored.Status.Regions[region].Breaker
	if b.State != llmv1alpha1.BreakerOpen {
		return ""
	}
	return b.Reason + " by " + string(b.OpenedBy)
}

// One bad evaluation opens the breaker of a region that answers every probe, whatever probes say in between.
func TestSignalOpensBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := signalled(t)
		defer r.backend.stop()
		r.until(t, 2*time.Minute)
		e.set("us-east", prometheus.Verdict{Failing: true, Calls: 600})
		r.until(t, 20*time.Second)
		if got := breakerReason(r, 0); got != "ErrorRatio by Traffic" || r.stored.Status.ActiveRegion != "eu-west" {
			t.Errorf("breaker open for %q, active region %s", got, r.stored.Status.ActiveRegion)
		}
	})
}

// What was met before the breaker closed is over: it opens no breaker again.
func TestSignalIsAboutNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := signalled(t, func(b *llmv1alpha1.LLMBackend) { b.Spec.Breaker.OpenDuration = "10s" })
		defer r.backend.stop()
		e.set("us-east", prometheus.Verdict{Failing: true, Calls: 600})
		r.until(t, 59*time.Second)
		if got := breakerReason(r, 0); got != "" {
			t.Fatalf("open for %q in the first minute, want the window to be about this endpoint only", got)
		}
		r.until(t, 30*time.Second)
		seq := r.stored.Status.TransitionSeq
		if seq == 0 {
			t.Fatal("the breaker has not opened after a minute")
		}
		r.until(t, 50*time.Second)
		if got := breakerReason(r, 0); got != "" {
			t.Errorf("open for %q within a minute of its closing", got)
		}
	})
}

// Few calls count as no more failures than they are, and what says nothing changes nothing: no count, no breaker.
func TestSignalsThatSayLittle(t *testing.T) {
	for name, v := range map[string]prometheus.Verdict{
		"few calls": {Failing: true, Calls: 2}, "good": {Calls: 600}, "too few": {Calls: 1},
		"no data": {Problem: prometheus.NoData}, "down": {Problem: prometheus.Unreachable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, e := signalled(t)
				defer r.backend.stop()
				r.until(t, 2*time.Minute)
				e.set("us-east", v)
				r.until(t, 10*time.Minute)
				if seq := r.stored.Status.TransitionSeq; seq > 0 {
					t.Errorf("%d transitions", seq)
				}
				// A good or missing number takes back no failure of a probe. Where few calls have failed too, either may
				// be the last that was missing: probes and evaluations can fall on one instant.
				r.prober.set(east, 503)
				r.until(t, 30*time.Second)
				got := breakerReason(r, 0)
				if got != "Status503 by Probe" && (!v.Failing || got != "ErrorRatio by Traffic") {
					t.Errorf("probes that fail open the breaker for %q", got)
				}
			})
		})
	}
}

// A problem is told once it has lasted, once, and so is its end; a steady state asks for nothing.
func TestSignalProblemsAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := signalled(t)
		defer r.backend.stop()
		r.until(t, time.Minute+30*time.Second)
		before := r.plans
		r.until(t, time.Hour)
		if r.plans != before {
			t.Errorf("%d reconciles while all is well, want none", r.plans-before)
		}
		if n := e.count(); n < 400 || n > 500 {
			t.Errorf("asked %d times in an hour about two regions every 15 s or a little later, want about 440", n)
		}
		e.set("us-east", prometheus.Verdict{Problem: prometheus.NoData})
		r.until(t, 20*time.Second)
		if got := r.backend.signalProblems()["us-east"]; got != "" {
			t.Errorf("%s is told after one evaluation", got)
		}
		r.until(t, time.Hour)
		if got := r.backend.signalProblems(); got["us-east"] != prometheus.NoData || got["eu-west"] != "" || r.plans != before+1 {
			t.Errorf("problems %v after %d reconciles, want NoData of us-east after one", got, r.plans-before)
		}
	})
}

// What is no longer asked for says nothing any more, and a server that is not allowed is not asked.
func TestSignalsAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, e := signalled(t)
		defer r.backend.stop()
		r.until(t, time.Minute)
		r.stored.Spec.Signals.Prometheus.Server = "http://elsewhere:9090"
		r.backend.followSignals(r.stored, e)
		synctest.Wait()
		before := e.count()
		r.until(t, time.Hour)
		if n := e.count() - before; n > 0 || r.backend.signalProblems()["eu-west"] != prometheus.NotAllowed {
			t.Errorf("asked %d times, problems %v, want that the server is not allowed", n, r.backend.signalProblems())
		}
		r.stored.Spec.Signals = llmv1alpha1.SignalsSpec{}
		r.backend.followSignals(r.stored, e)
		if got := r.backend.signalProblems(); got != nil {
			t.Errorf("problems %v of nothing", got)
		}
	})
}

// Outcomes that gateways report count at once, all of a batch or none.
func TestReportedOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		defer r.backend.stop()
		r.until(t, 20*time.Second)
		failed := intake.Outcome{Region: "us-east", Response: failover.Response{Status: 503}, Times: 5}
		err := r.backend.take([]intake.Outcome{failed, {Region: "mars", Response: failover.Response{Status: 503}, Times: 1}})
		unknown, ok := errors.AsType[*intake.UnknownRegionError](err)
		if !ok || unknown.Region != "mars" || len(unknown.Known) != 2 {
			t.Errorf("%v, want that mars is unknown", err)
		}
		r.until(t, time.Second)
		if got := breakerReason(r, 0); got != "" {
			t.Errorf("open for %q by a batch that was refused", got)
		}
		if err := r.backend.take([]intake.Outcome{failed}); err != nil {
			t.Fatal(err)
		}
		r.until(t, time.Second)
		if got := breakerReason(r, 0); got != "Status503 by Traffic" || r.stored.Status.ActiveRegion != "eu-west" {
			t.Errorf("open for %q, active region %s", got, r.stored.Status.ActiveRegion)
		}
	})
}

// Good outcomes of real traffic are no evidence: traffic does not go where no probe is answered.
func TestReportedOutcomesMoveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		defer r.backend.stop()
		r.prober.set(west, 503)
		r.until(t, time.Minute)
		for range 100 {
			err := r.backend.take([]intake.Outcome{
				{Region: "us-east", Response: failover.Response{Status: 429, RetryAfter: failover.RetryAfter{Given: true, Delay: time.Hour}}, Times: 1},
				{Region: "eu-west", Response: failover.Response{Status: 200}, Times: 100},
			})
			if err != nil {
				t.Fatal(err)
			}
			r.until(t, time.Second)
		}
		if got := r.stored.Status.ActiveRegion; got != "us-east" {
			t.Errorf("active region %s, want us-east: eu-west answers no probe", got)
		}
		if r.stored.Status.TransitionSeq > 3 || r.plans > 20 {
			t.Errorf("%d transitions and %d reconciles in 100 s", r.stored.Status.TransitionSeq, r.plans)
		}
	})
}
