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

// betweenSingles is the pause after each single failover, in which its events are written, and each turn of the bare client.
const betweenSingles = 150 * time.Millisecond

// profileTime is how long a mass failover is profiled.
const profileTime = 10 * time.Second

func failedOver(s seen) bool { return s.region == secondaryRegion }

func confirmedOver(s seen) bool { return failedOver(s) && s.confirmed == secondaryRegion }

// singleFailovers lets one primary fail after the other, each when the one before has been confirmed and told. The
// time is from the opening of the breaker, as the status has it, to the slice as a watcher sees it. By turns with them
// the bare client makes the same two writes, so that both meet the same machine: all regions are probed meanwhile.
func singleFailovers(ctx context.Context, w *world, r *report) error {
	bare, err := w.copies(ctx, min(maxSingles, w.backends/4))
	if err != nil {
		return err
	}
	var failovers, writes []time.Duration
	for _, p := range bare {
		failover, err := w.timeFailover(ctx)
		if err != nil {
			return err
		}
		both, err := w.timeBoth(ctx, p)
		if err != nil {
			return err
		}
		failovers, writes = append(failovers, failover), append(writes, both)
	}
	r.SingleFailoverMsP50 = milliseconds(percentile(failovers, 50))
	r.SingleFailoverMsP99 = milliseconds(percentile(failovers, 99))
	r.BareTwoWritesMsP50 = milliseconds(percentile(writes, 50))
	r.BareTwoWritesMsP99 = milliseconds(percentile(writes, 99))
	r.Context.SingleFailovers = len(failovers)
	return w.awaitQuiet(ctx)
}

// timeFailover lets one primary fail, returns how long the failover took, and pauses before what is measured next.
func (w *world) timeFailover(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	addr, err := w.regions.FailNext(ctx, primaryNetwork)
	if err != nil {
		return 0, err
	}
	s, err := w.watcher.awaitOne(ctx, numberOf(addr), confirmedOver)
	if err != nil {
		return 0, err
	}
	return s.at.Sub(s.opened), pause(ctx, betweenSingles)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// massFailover lets all other primaries fail in one instant: their servers leave probes without an answer
// for a period, until nearly all have one under way, and then answer all of them. So what is measured is how
// fast decisions are stored and published, and not how probes are spread over a period.
func massFailover(ctx context.Context, w *world, r *report) error {
	w.regions.Hold(primaryNetwork)
	if err := pause(ctx, period-period/20); err != nil {
		return err
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
