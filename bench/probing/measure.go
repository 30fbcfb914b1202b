// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// warmUp is how long a contestant probes before it is measured.
const warmUp = 200 * time.Millisecond

// measure prints one line about the contestant in this process.
func measure(ctx context.Context, o options, servers []netip.AddrPort) error {
	list := contestants()
	i := slices.IndexFunc(list, func(c contestant) bool { return c.name == o.contestant })
	if i < 0 {
		return fmt.Errorf("contestant %q: there is none of that name", o.contestant)
	}
	if list[i].make == nil {
		return measureExporter(ctx, o, servers)
	}
	asking := round(list[i].make(), servers)
	if _, failed := many(ctx, asking, o.concurrency, warmUp); failed > 0 {
		return fmt.Errorf("%d probes have failed", failed)
	}

	before, allocated, began := cpuTime(), heapAllocated(), time.Now()
	latencies, failed := many(ctx, asking, o.concurrency, o.duration)
	cpu, bytes, elapsed := cpuTime()-before, heapAllocated()-allocated, time.Since(began)
	if err := ctx.Err(); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d probes have failed", failed, len(latencies))
	}
	held, left, err := hold(ctx, asking, o.held)
	if err != nil {
		return err
	}
	printTimes(o, latencies, elapsed, cpu)
	fmt.Printf(" %.0f B/op %.0f B/held-probe %d left-goroutines %d left-sockets\n",
		float64(bytes)/float64(len(latencies)), held, left.goroutines, left.files)
	return nil
}

// printTimes begins the line about a contestant.
func printTimes(o options, latencies []time.Duration, elapsed, cpu time.Duration) {
	slices.Sort(latencies)
	n := float64(len(latencies))
	fmt.Printf("BenchmarkProbe/concurrency=%d/%s %d %.0f ns/op %.0f cpu-ns/op %.0f probes/core-s %.0f p50-ns %.0f p99-ns",
		o.concurrency, o.contestant, len(latencies), float64(elapsed)/n, float64(cpu)/n, n/cpu.Seconds(),
		float64(latencies[len(latencies)/2]), float64(latencies[len(latencies)*99/100]))
}

// question probes one of the servers, and says whether the answer was a success.
type question func(ctx context.Context, path string) bool

// round takes the servers by turns. A single one would run out of the ports that a connection can come from:
// each is taken for a minute after its connection has ended.
func round(ask ask, servers []netip.AddrPort) question {
	var turn atomic.Uint64
	return func(ctx context.Context, path string) bool {
		return ask(ctx, servers[turn.Add(1)%uint64(len(servers))], path)
	}
}

// many probes for d, so many at a time, and returns how long each took.
func many(ctx context.Context, probe question, concurrency int, d time.Duration) (latencies []time.Duration, failed int) {
	var mu sync.Mutex
	var group sync.WaitGroup
	end := time.Now().Add(d)
	for range concurrency {
		group.Go(func() {
			var own []time.Duration
			bad := 0
			for began := time.Now(); began.Before(end) && ctx.Err() == nil; began = time.Now() {
				if !probe(ctx, healthPath) {
					bad++
				}
				own = append(own, time.Since(began))
			}
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, own...)
			failed += bad
		})
	}
	group.Wait()
	return latencies, failed
}

// leftovers are what a prober keeps after its probes have ended.
type leftovers struct{ goroutines, files int }

// hold has n probes under way at one time, without an answer, and returns the memory that each takes.
func hold(ctx context.Context, probe question, n int) (perProbe float64, left leftovers, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	goroutines, files, err := counts()
	if err != nil {
		return 0, left, err
	}
	before := inUse()
	var group sync.WaitGroup
	for range n {
		group.Go(func() { probe(ctx, holdPath) })
	}
	if err := await(func() (bool, error) {
		_, now, err := counts()
		return now >= n, err
	}); err != nil {
		return 0, left, fmt.Errorf("waiting for %d connections: %w", n, err)
	}
	perProbe = float64(inUse()-before) / float64(n)
	cancel()
	group.Wait()
	// What a prober ends in the background has a moment for it.
	err = await(func() (bool, error) {
		nowGoroutines, nowFiles, err := counts()
		left = leftovers{max(nowGoroutines-goroutines, 0), max(nowFiles-files, 0)}
		return left == leftovers{}, err
	})
	if left != (leftovers{}) {
		err = nil // which is a result
	}
	return perProbe, left, err
}

// await looks again and again for some seconds.
func await(reached func() (bool, error)) error {
	for end := time.Now().Add(timeout); ; {
		if ok, err := reached(); ok || err != nil {
			return err
		}
		if time.Now().After(end) {
			return context.DeadlineExceeded
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func counts() (goroutines, files int, err error) {
	entries, err := os.ReadDir("/proc/self/fd")
	return runtime.NumGoroutine(), len(entries), err
}

// inUse is the memory of heap and stacks that is in use.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

func heapAllocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// cpuTime is the CPU time, user and system, of this process.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // it fails only for a wrong address or an unknown argument
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// tick is the unit of CPU times in /proc: 1/100 s on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// cpuTimeOf is the CPU time, user and system, of another process.
func cpuTimeOf(pid int) (time.Duration, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is the name in brackets, which may hold spaces. utime and stime are the 14th and 15th.
	_, rest, _ := strings.Cut(string(content), ") ")
	var ticks [2]int
	fields := strings.Fields(rest)
	for i := range ticks {
		if ticks[i], err = strconv.Atoi(fields[11+i]); err != nil {
			return 0, err
		}
	}
	return time.Duration(ticks[0]+ticks[1]) * tick, nil
}
