// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

//go:debug randseednop=0

// Package schedules plays schedules of the whole operator in virtual time: regions fail and recover, people give
// orders and edit what they like, the API server conflicts, lags, fails and is restored, the operator is killed.
// What happens is held against the rules of internal/invariant. See docs/invariants.md.
package schedules

import (
	"context"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

var (
	seed  = flag.Int64("seed", -1, "play only the schedule of this `seed`, and show all of it")
	first = flag.Uint64("first", 0, "the first `seed`; others follow it")
	seeds = flag.Uint64("seeds", defaultSeeds, "how many `schedules` are played")
	soak  = flag.Duration("soak", 0, "play new schedules for this `time`, however many")
)

func TestMain(m *testing.M) {
	flag.Parse()
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	// Those that are there remember, across bubbles, when the newest error was, and wait until some time after it.
	for i := range utilruntime.ErrorHandlers {
		utilruntime.ErrorHandlers[i] = func(context.Context, error, string, ...any) {}
	}
	os.Exit(m.Run())
}

// TestSchedules plays the schedules of many seeds, or of the one that -seed names, or new ones for as long as -soak
// says.
func TestSchedules(t *testing.T) {
	if *seed >= 0 {
		replay(t, uint64(*seed))
		return
	}
	begin, n := *first, *seeds
	if *soak > 0 {
		begin, n = uint64(time.Now().UnixNano())>>20<<20, 1<<62
	}
	if testing.Short() {
		n = min(n, 100)
	}
	p := &players{t: t, first: begin, seeds: n, until: time.Now().Add(*soak), began: time.Now()}
	p.play(*soak > 0)
	t.Logf("%d schedules from seed %d on in %s, %d of them twice", p.played, begin, time.Since(p.began).Round(time.Second), p.twice)
}

// replay plays one schedule and shows its transcript.
func replay(t *testing.T, seed uint64) {
	t.Helper()
	o := playSeeded(t, newKinds(t), seed)
	t.Log("\n" + strings.Join(o.transcript(true), "\n"))
	for _, fault := range o.faults {
		t.Error(fault)
	}
}
