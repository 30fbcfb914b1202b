// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"time"

	"github.com/breakwater-dev/breakwater/internal/invariant"
)

// trueTime is the time of the judge: the wall clock if nobody had stepped it.
func (w *world) trueTime(at time.Duration) time.Time { return epoch().Add(at) }

func (w *world) violated(v invariant.Violation) {
	w.t.Helper()
	w.t.Fatalf("%v\n%s", v, w.transcript())
}

// tellInput tells the judge what the machine is about to observe.
func (w *world) tellInput() {
	spec := invariant.Spec{
		Mode:           [...]invariant.Mode{invariant.Automatic, invariant.Observe, invariant.Disabled}[w.config.Mode],
		MinDuration:    w.config.MinDuration,
		MaxMinDuration: w.config.MaxMinDuration,
		MaxPerHour:     w.config.MaxPerHour,
		ManualFailback: w.config.ManualFailback,
	}
	for _, r := range w.config.Regions {
		threshold := r.Breaker.FailureThreshold
		if a := r.Breaker.Adaptive; a != nil {
			threshold = a.MinFailureThreshold
		}
		spec.Regions = append(spec.Regions, invariant.Region{
			Name: r.Name, Identity: r.Identity, Period: r.Probe.Period, Timeout: w.timeout(r.Name),
			FailureThreshold: threshold, RetryAfterThreshold: r.Breaker.RetryAfterThreshold,
		})
	}
	w.judge.Spec(w.trueTime(w.now), spec)
	w.judge.Orders(w.trueTime(w.now), invariant.OrderSet{
		Reset: w.orders.Reset, Switch: w.orders.Switch, SwitchTo: w.orders.SwitchTo,
		Paused: w.orders.Paused, PausedUntil: w.orders.PausedUntil,
	})
	if !w.stored.Equal(w.told) {
		w.told = w.stored
		w.judge.Restored(w.trueTime(w.now), judged(w.stored))
	}
}

func (w *world) tellProbe(f inFlight) {
	a := w.judged(f.Region, f.started, ByProbe, outcome(f.answer.Response))
	a.AskedLess = w.ladder(f.Region) && !f.Purpose.Climbs()
	a.Rung = f.answer.rung
	w.judge.Answered(a)
}

func (w *world) tellAnswer(region string, started time.Duration, by Source, o Outcome) {
	w.judge.Answered(w.judged(region, started, by, o))
}

func (w *world) judged(region string, started time.Duration, by Source, o Outcome) invariant.Answer {
	a := invariant.Answer{
		Region: region, Started: w.trueTime(started), Finished: w.trueTime(w.now),
		Class: [...]invariant.Class{
			invariant.Unknown, invariant.Failure, invariant.RateLimited, invariant.Excluded, invariant.Success,
		}[o.Class],
		Gone: o.gone, ByTraffic: by == ByTraffic, QuotaExhausted: o.Cause == QuotaExhausted,
		Slow: o.Class == Success && w.slow(region, o.Latency),
	}
	if o.RetryAfter.Given {
		a.RetryAfter = &o.RetryAfter.Delay
	}
	return a
}

// slow says whether an answer of the region is slow by its spec.
func (w *world) slow(region string, latency time.Duration) bool {
	for _, r := range w.config.Regions {
		if r.Name == region {
			return r.Breaker.SlowThreshold > 0 && latency > r.Breaker.SlowThreshold
		}
	}
	return false
}

func (w *world) tellStored(p Plan) {
	w.told = w.stored
	w.judge.Stored(invariant.Write{
		Record: judged(p.Record), At: w.trueTime(w.now), Decided: p.at.Add(-w.step),
	})
}

// judged is what the judge is to know of a record.
func judged(r Record) invariant.Record {
	j := invariant.Record{
		ActiveRegion: r.ActiveRegion, TransitionSeq: r.TransitionSeq,
		ActiveSeq: r.ActiveSeq, ActiveSince: r.ActiveSince, Pinned: r.Pinned,
		HandledReset: r.HandledReset, HandledSwitch: r.HandledSwitch,
	}
	for _, b := range r.Regions {
		j.Breakers = append(j.Breakers, invariant.Breaker{Region: b.Name, Open: b.Open, Since: b.Since})
	}
	for _, t := range r.History {
		j.History = append(j.History, invariant.Transition{
			Seq: t.Seq, Time: t.Time, Type: invariant.TransitionType(t.Type), Region: t.Region, From: t.From, To: t.To, Reason: t.Reason,
		})
	}
	return j
}
