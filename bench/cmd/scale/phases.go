// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	period = 10 * time.Second // of the probes
	// patience bounds each wait for something that must happen.
	patience = 30 * time.Minute
	// quietTime without a write or a reconcile says that the operator has done what there was to do.
	quietTime = 3 * time.Second
	// sampling is how often what varies is looked at.
	sampling = 250 * time.Millisecond
)

// coldStart starts the operator for the first time, and ends when all LLMBackends say that they are published.
func coldStart(ctx context.Context, w *world, r *report) error {
	began := time.Now()
	if err := w.startOperators(); err != nil {
		return err
	}
	if _, err := w.awaitAll(ctx, func(s seen) bool { return s.region == primaryRegion && s.confirmed == primaryRegion }); err != nil {
		return err
	}
	r.ColdStartSeconds = round(time.Since(began).Seconds())
	return w.awaitSteady(ctx)
}

// steadyState measures the operator while nothing happens.
func steadyState(ctx context.Context, w *world, r *report) error {
	before, err := w.reading(ctx)
	if err != nil {
		return err
	}
	cpuBefore, err := w.cpu()
	if err != nil {
		return err
	}
	w.regions.Forget()
	profiled := make(chan error, 1)
	go func() { profiled <- w.profile(ctx, "steady", w.steady) }()

	measuring, cancel := context.WithTimeout(ctx, w.steady)
	defer cancel()
	began := time.Now()
	sampled := make(chan error, 1)
	go func() { sampled <- w.sample(ctx, measuring.Done(), r) }()
	intervals := w.regions.Measure(measuring)
	elapsed := time.Since(began).Seconds()
	probes, _ := w.regions.Probes()
	if err := errors.Join(ctx.Err(), <-sampled); err != nil {
		return err
	}
	cpuAfter, err := w.cpu()
	if err != nil {
		return err
	}
	after, err := w.reading(ctx)
	if err != nil {
		return err
	}
	cpuScraped, err := w.cpu()
	if err != nil {
		return err
	}
	r.Context.Steady = cpuAfter.since(cpuBefore)
	r.Context.ScrapeCPUSeconds = cpuScraped.since(cpuAfter).Operator
	for i := range intervals {
		intervals[i] = max(intervals[i]-period, 0)
	}
	r.CPUCores = round(r.Context.Steady.Operator / elapsed)
	r.ProbesPerSecond = round(float64(probes) / elapsed)
	r.LatenessP99Ms = milliseconds(percentile(intervals, 99))
	r.SteadyAPIWrites = after.writes - before.writes
	r.SteadyReconciles = after.reconciles - before.reconciles
	r.Context.HeapGoalMiB = round(float64(after.heapGoal) / (1 << 20))
	return <-profiled
}

// reading is what only grows.
type reading struct {
	operatorMetrics
	writes int
}

func (w *world) reading(ctx context.Context) (reading, error) {
	var r reading
	var errs [2]error
	r.writes, errs[0] = w.control.writes(ctx)
	r.operatorMetrics, errs[1] = w.operatorMetrics(ctx)
	return r, errors.Join(errs[:]...)
}

// sample keeps the largest of what varies until the end.
func (w *world) sample(ctx context.Context, end <-chan struct{}, r *report) error {
	ticker := time.NewTicker(sampling)
	defer ticker.Stop()
	for n := 0; ; n++ {
		rss, err := w.memoryMiB("VmRSS")
		if err != nil {
			return err
		}
		sockets, err := w.openSockets()
		if err != nil {
			return err
		}
		r.RSSMiB, r.OpenSockets = max(r.RSSMiB, rss), max(r.OpenSockets, sockets)
		if n%20 == 0 {
			goroutines, err := w.goroutines(ctx)
			if err != nil {
				return err
			}
			r.Goroutines = max(r.Goroutines, goroutines)
		}
		select {
		case <-ticker.C:
		case <-end:
			return nil
		}
	}
}

// restart counts what a new operator writes about a state that has not changed, until it has probed all.
func restart(ctx context.Context, w *world, r *report) error {
	before, err := w.control.writes(ctx)
	if err != nil {
		return err
	}
	if err := w.stopOperators(ctx); err != nil {
		return err
	}
	w.regions.Forget()
	if err := w.startOperators(); err != nil {
		return err
	}
	if err := w.awaitSteady(ctx); err != nil {
		return err
	}
	after, err := w.control.writes(ctx)
	r.RestartAPIWrites = after - before
	return err
}

// awaitSteady waits until all regions have been probed, and the operator has done what followed from that.
func (w *world) awaitSteady(ctx context.Context) error {
	if err := w.until(ctx, sampling, func() (bool, error) {
		_, probed := w.regions.Probes()
		return probed == 2*w.backends, nil
	}); err != nil {
		return fmt.Errorf("waiting for probes of all regions: %w", err)
	}
	return w.awaitQuiet(ctx)
}

// awaitQuiet waits until the operator has neither written nor reconciled for a while. It looks no more often than
// that, since to show its metrics is work for the operator.
func (w *world) awaitQuiet(ctx context.Context) error {
	last := -1
	return w.until(ctx, quietTime, func() (bool, error) {
		writes, errWrites := w.control.writes(ctx)
		m, errReconciles := w.operatorMetrics(ctx)
		before := last
		last = writes + m.reconciles
		return last == before, errors.Join(errWrites, errReconciles)
	})
}

// until looks again and again.
func (w *world) until(ctx context.Context, interval time.Duration, reached func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if ok, err := reached(); ok || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *world) awaitAll(ctx context.Context, wanted func(seen) bool) ([]seen, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	stop := w.countProgress(func() int { return w.watcher.count(wanted) })
	defer stop()
	return w.watcher.awaitAll(ctx, wanted)
}
