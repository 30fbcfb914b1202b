// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"time"
)

// maxSingles is how many failovers are measured one at a time.
const maxSingles = 200

// betweenSingles is how long the events of one failover are let be written before the next one.
const betweenSingles = 150 * time.Millisecond

// profileTime is how long a mass failover is profiled.
const profileTime = 10 * time.Second

func failedOver(s seen) bool { return s.region == secondaryRegion }

func confirmedOver(s seen) bool { return failedOver(s) && s.confirmed == secondaryRegion }

// singleFailovers lets one primary fail after the other, each when the one before has been confirmed and told. The
// time is from the opening of the breaker, as the status has it, to the slice as a watcher sees it.
func singleFailovers(ctx context.Context, w *world, r *report) error {
	var took []time.Duration
	for range min(maxSingles, w.backends/4) {
		waiting, cancel := context.WithTimeout(ctx, patience)
		addr, err := w.regions.FailNext(waiting, primaryNetwork)
		if err != nil {
			cancel()
			return err
		}
		s, err := w.watcher.awaitOne(waiting, numberOf(addr), confirmedOver)
		cancel()
		if err != nil {
			return err
		}
		took = append(took, s.at.Sub(s.opened))
		select {
		case <-time.After(betweenSingles):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.SingleFailoverMsP50 = milliseconds(percentile(took, 50))
	r.SingleFailoverMsP99 = milliseconds(percentile(took, 99))
	r.Context.SingleFailovers = len(took)
	return w.awaitQuiet(ctx)
}

// massFailover lets all other primaries fail in one instant: their servers leave probes without an answer
// for a period, until nearly all have one under way, and then answer all of them. So what is measured is how
// fast decisions are stored and published, and not how probes are spread over a period.
func massFailover(ctx context.Context, w *world, r *report) error {
	w.regions.Hold(primaryNetwork)
	select {
	case <-time.After(period - period/20):
	case <-ctx.Done():
		return ctx.Err()
	}
	writes, err := w.control.writes(ctx)
	if err != nil {
		return err
	}
	versions := w.watcher.versions()
	before, err := w.cpu()
	if err != nil {
		return err
	}
	profiled := make(chan error, 1)
	go func() { profiled <- w.profile(ctx, "mass", profileTime) }()

	began := time.Now()
	w.regions.Fail(primaryNetwork)
	shown, err := w.awaitAll(ctx, failedOver)
	if err != nil {
		return err
	}
	after, err := w.cpu()
	if err != nil {
		return err
	}
	r.Context.MassStatusWrites = w.watcher.versions() - versions
	written, err := w.control.writes(ctx)
	if err != nil {
		return err
	}
	last, moved := began, 0
	for _, s := range shown {
		if s.at.After(began) {
			moved++
		}
		if s.at.After(last) {
			last = s.at
		}
	}
	r.MassFailoverSeconds = round(last.Sub(began).Seconds())
	r.MassFailoverWritesPerSec = round(float64(2*moved) / last.Sub(began).Seconds())
	r.Context.MassFailover = after.since(before)
	r.Context.MassMoved, r.Context.MassAPIWrites = moved, written-writes
	if _, err := w.awaitAll(ctx, confirmedOver); err != nil {
		return err
	}
	r.Context.ConfirmedSeconds = round(time.Since(began).Seconds())
	r.Context.MassPeakRSSMiB, err = w.memoryMiB("VmHWM")
	return errors.Join(err, <-profiled, w.awaitQuiet(ctx))
}
