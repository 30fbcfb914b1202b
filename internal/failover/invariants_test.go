// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	schedules = 2000
	turmoil   = 180 * time.Second // how long a random schedule goes on
	calm      = 500 * time.Second // when everything must have settled after it
	rest      = 600 * time.Second // nothing is written from calm on
)

// TestInvariants plays random schedules against the rules. Each is named by its seed, by which it can be
// played again: go test -run 'TestInvariants/17$'.
func TestInvariants(t *testing.T) {
	t.Parallel()
	for seed := range uint64(schedules) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			w := randomWorld(t, seed)
			w.run(calm)
			checkSettled(t, w)
			writes, plans := w.writes, w.plans
			w.run(rest)
			if w.writes != writes || w.plans != plans {
				t.Errorf("%d writes and %d plans at rest", w.writes-writes, w.plans-plans)
			}
			if seed%10 == 0 {
				again := randomWorld(t, seed)
				again.run(calm)
				again.run(rest)
				if diff := cmp.Diff(w.log, again.log); diff != "" {
					t.Errorf("the same schedule gives another transcript:\n%s", diff)
				}
			}
		})
	}
}

// checkSettled checks that all breakers are closed and that traffic is where it should be.
func checkSettled(t *testing.T, w *world) {
	t.Helper()
	if open := w.open(); len(open) > 0 {
		t.Errorf("%v are still open\n%v", open, w.log)
	}
	active := slices.IndexFunc(w.config.Regions, func(r RegionConfig) bool { return r.Name == w.stored.ActiveRegion })
	if active < 0 || active > 0 && !w.stored.Pinned && !w.config.ManualFailback {
		t.Errorf("%s is still active of %v\n%v", w.stored.ActiveRegion, w.config.Regions, w.log)
	}
	if w.stored.HandledReset != w.orders.Reset || w.stored.HandledSwitch != w.orders.Switch {
		t.Errorf("orders %+v are not handled", w.orders)
	}
}

// randomWorld returns a world with a random spec and a random script, after which all is well.
func randomWorld(t *testing.T, seed uint64) *world {
	r := rand.New(rand.NewPCG(seed, 1))
	names := []string{"a", "b", "c", "d"}[:1+r.IntN(4)]
	w := newWorld(t, config(names...))
	w.eager = r.IntN(2) == 0
	randomConfig(r, &w.config)
	for _, name := range names {
		w.timeouts[name] = min(probeTimeout, w.config.Regions[slices.Index(names, name)].Probe.Period)
	}
	for range r.IntN(30) {
		randomEvent(r, w, names)
	}
	for _, name := range names {
		w.responds(turmoil, name, status(200))
	}
	w.storing(turmoil, store{})
	w.order(turmoil, func(o *Orders) { o.Paused = false })
	w.edit(turmoil, func(c *Config) { c.Mode = Automatic })
	return w
}

func randomConfig(r *rand.Rand, c *Config) {
	c.MinDuration = time.Duration(r.IntN(60)) * second
	c.SuspectPeriod = between(r, 200*ms, 3*second)
	c.ManualFailback = r.IntN(8) == 0
	c.Mode = pick(r, Automatic, Automatic, Automatic, Automatic, Observe, Disabled)
	for i := range c.Regions {
		c.Regions[i].Breaker = BreakerConfig{
			FailureThreshold: 1 + r.IntN(5), SuccessThreshold: 1 + r.IntN(3),
			OpenDuration: between(r, second, 60*second), RetryAfterThreshold: between(r, second, 60*second),
		}
		if r.IntN(2) == 0 {
			c.Regions[i].Breaker.Adaptive = randomAdaptive(r)
		}
		c.Regions[i].Probe = ProbeConfig{
			OnDemand: r.IntN(5) == 0, Period: between(r, second, 10*second),
			SuspectPeriod: c.SuspectPeriod, FirstAfter: between(r, 0, 3*second),
		}
	}
}

func randomAdaptive(r *rand.Rand) *AdaptiveConfig {
	threshold, open := 1+r.IntN(3), between(r, second, 20*second)
	return &AdaptiveConfig{
		LowFailurePercent: 1 + r.IntN(40), HighFailurePercent: 60 + r.IntN(40),
		MinFailureThreshold: threshold, MaxFailureThreshold: threshold + r.IntN(5),
		MinOpenDuration: open, MaxOpenDuration: open + between(r, 0, 40*second),
	}
}

func randomAnswer(r *rand.Rand) answer {
	return pick(r,
		status(200), slow(200, between(r, 0, 4*second)), slow(200, between(r, 0, 400*ms)),
		status(503), slow(503, between(r, 0, 4*second)), hangs(), fault(ConnectionRefused), fault(Unreachable),
		status(429), limited(between(r, 0, 150*second)), status(401), status(404), fault(NotMade),
	)
}

// randomEvent adds one event to the script, often at a whole second, so that many meet in one instant.
func randomEvent(r *rand.Rand, w *world, names []string) {
	at := between(r, 0, turmoil)
	if r.IntN(2) == 0 {
		at = at.Truncate(second)
	}
	name := pick(r, names...)
	token := strconv.FormatUint(r.Uint64(), 36)
	switch r.IntN(16) {
	case 0, 1, 2, 3:
		w.responds(at, name, randomAnswer(r))
	case 4, 5:
		bad := randomAnswer(r)
		for _, n := range names {
			w.responds(at, n, bad)
			w.responds(at+between(r, 0, 40*second), n, status(200))
		}
	case 6, 7:
		w.traffic(at, name, 1+r.IntN(6), pick(r, status(503), status(503), status(200), limited(70*second)))
	case 8:
		w.resets(at, token)
	case 9:
		w.switches(at, token, pick(r, append(names, "mars")...))
	case 10:
		until := between(r, 0, 20*second)
		w.order(at, func(o *Orders) { o.Paused, o.PausedUntil = true, w.clock().Add(until) })
	case 11:
		w.restart(at, pick(r, 0, 0, -30*second))
	case 12:
		s := pick(r, store{fails: true}, store{takes: between(r, 0, 8*second)}, store{conflicts: true}, store{loseReply: true})
		w.storing(at, s)
		w.storing(at+between(r, 0, 20*second), store{})
	case 13:
		mode, d := pick(r, Automatic, Observe, Disabled), between(r, 0, 60*second)
		w.edit(at, func(c *Config) { c.Mode, c.MinDuration = mode, d })
	case 14:
		seed := r.Uint64()
		w.edit(at, func(c *Config) {
			rand.New(rand.NewPCG(seed, 2)).Shuffle(len(c.Regions), func(i, k int) {
				c.Regions[i], c.Regions[k] = c.Regions[k], c.Regions[i]
			})
			c.Regions[0].Identity = token
		})
	case 15:
		removed := w.config.Regions[slices.Index(names, name)]
		w.edit(at, func(c *Config) {
			if len(c.Regions) > 1 {
				c.Regions = slices.DeleteFunc(c.Regions, func(x RegionConfig) bool { return x.Name == name })
			}
		})
		w.edit(at+between(r, 0, 30*second), func(c *Config) {
			if !slices.ContainsFunc(c.Regions, func(x RegionConfig) bool { return x.Name == name }) {
				c.Regions = append(c.Regions, removed)
			}
		})
	}
}

func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }
