// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// anyEvent draws something that happens before the end of the turmoil.
func anyEvent(t *rapid.T, names []string, longHeld bool) event {
	at := between(t, 0, turmoil-1, "at")
	name := rapid.SampledFrom(names).Draw(t, "region")
	kind := rapid.SampledFrom([]string{
		"answers", "answers", "answers", "answers", "above", "all", "all", "traffic", "traffic",
		"reset", "switch", "pause", "resume", "restart", "store", "store", "backup", "storm", "rumour", "haste", "despair",
		"failover", "limits", "endpoint", "order", "remove", "add",
	}).Draw(t, "event")
	switch kind {
	case "answers":
		r := anyReply(t, longHeld)
		return event{at, name + " answers " + r.what, func(w *world) { w.responses[name] = r.make(w.clock()) }}
	case "above":
		r := anyReply(t, longHeld)
		return event{at, name + " answers those who climb " + r.what, func(w *world) { w.above[name] = r.make(w.clock()) }}
	case "all":
		r, d := anyReply(t, longHeld), between(t, 0, 40*second, "for")
		return event{at, fmt.Sprintf("all answer %s for %v", r.what, d), func(w *world) {
			w.everywhere(r)
			w.at(w.soon(d), func() { w.responses = map[string]answer{} })
		}}
	case "traffic":
		r, n := anyReply(t, longHeld), rapid.IntRange(1, 6).Draw(t, "calls")
		return event{at, fmt.Sprintf("traffic to %s sees %d times %s", name, n, r.what), func(w *world) {
			w.traffic(w.now, name, n, r.make(w.clock()))
		}}
	case "reset", "switch", "pause", "resume":
		return anyOrder(t, kind, at, append(names, "mars"))
	case "restart", "store", "backup", "storm":
		return anyAccident(t, kind, at, longHeld)
	case "rumour":
		r, d := anyReply(t, longHeld), between(t, 0, 5*second, "after")
		return event{at, fmt.Sprintf("all answer %s, and after %v traffic says that %s serves", r.what, d, name), func(w *world) {
			w.everywhere(r)
			w.traffic(w.now, w.stored.ActiveRegion, 10, status(503))
			w.traffic(w.soon(d), name, 3, status(200))
		}}
	case "despair":
		r, d := anyReply(t, longHeld), between(t, 0, 5*second, "after")
		return event{at, fmt.Sprintf("all answer %s slowly, real traffic fails, and after %v there is a reset", r.what, d), func(w *world) {
			w.everywhere(r)
			for region, a := range w.responses {
				a.after = w.timeout(region) - 1
				w.responses[region] = a
			}
			w.traffic(w.now, w.stored.ActiveRegion, 10, status(503))
			w.resets(w.soon(d), inSeconds(at))
		}}
	case "haste":
		d := between(t, 0, probeTimeout, "after")
		return event{at, fmt.Sprintf("switch to %s, which is slow, and after %v regions change places", name, d), func(w *world) {
			w.responses[name] = slow(200, w.timeout(name)-1)
			w.switches(w.now, inSeconds(at), name)
			w.edit(w.soon(d), func(c *Config) { slices.Reverse(c.Regions) })
		}}
	default:
		return anyEdit(t, kind, at, name)
	}
}

// soon returns the time after d, or the end of the turmoil if that is sooner.
func (w *world) soon(d time.Duration) time.Duration { return min(w.now+d, turmoil-1) }

func (w *world) everywhere(r reply) {
	for _, region := range w.config.Regions {
		w.responses[region.Name] = r.make(w.clock())
	}
}

// anyOrder draws what people ask for. Tokens come again.
func anyOrder(t *rapid.T, kind string, at time.Duration, targets []string) event {
	token := rapid.SampledFrom([]string{"1", "2", "3", ""}).Draw(t, "token")
	var change func(w *world, o *Orders)
	what := kind
	switch kind {
	case "reset":
		what = fmt.Sprintf("reset %q", token)
		change = func(_ *world, o *Orders) { o.Reset = token }
	case "switch":
		to := rapid.SampledFrom(targets).Draw(t, "target")
		what = fmt.Sprintf("switch %q to %s", token, to)
		change = func(_ *world, o *Orders) { o.Switch, o.SwitchTo = token, to }
	case "pause":
		d := between(t, 0, 30*second, "until")
		what = fmt.Sprintf("pause for %v (0 for ever)", d)
		change = func(w *world, o *Orders) {
			o.Paused, o.PausedUntil = true, time.Time{}
			if d > 0 {
				o.PausedUntil = w.clock().Add(d)
			}
		}
	case "resume":
		change = func(_ *world, o *Orders) { o.Paused = false }
	}
	return event{at, what, func(w *world) { w.order(w.now, func(o *Orders) { change(w, o) }) }}
}

// anyAccident draws what goes wrong with the operator itself.
func anyAccident(t *rapid.T, kind string, at time.Duration, longHeld bool) event {
	switch kind {
	case "restart":
		most := 40 * second
		if longHeld {
			most = 3 * time.Hour
		}
		off := between(t, -most, most, "clock")
		return event{at, fmt.Sprintf("restart, the clock is %v off", off), func(w *world) { w.restart(w.now, off-w.step) }}
	case "backup":
		d := between(t, 0, 40*second, "age")
		return event{at, fmt.Sprintf("backup, restored after %v", d), func(w *world) {
			backup := w.stored
			w.at(w.soon(d), func() {
				if backup.ActiveRegion != "" {
					w.notef("> the backup is restored")
					w.stored, w.revision = backup, w.revision+1
					w.observe()
				}
			})
		}}
	case "storm":
		d := between(t, 0, 20*second, "for")
		x, y := between(t, 0, 10*second, "after"), between(t, 0, 20*second, "for")
		r := anyReply(t, longHeld)
		return event{at, fmt.Sprintf("the active region dies, nothing can be stored for %v; after %v all answer %s for %v", d, x, r.what, y),
			func(w *world) {
				w.store = store{fails: true}
				w.storing(w.soon(d), store{})
				w.traffic(w.now, w.stored.ActiveRegion, 10, status(503))
				w.at(w.soon(x), func() { w.everywhere(r) })
				w.at(w.soon(x+y), func() { w.responses = map[string]answer{} })
			}}
	default:
		s := rapid.SampledFrom([]store{{fails: true}, {takes: 1}, {conflicts: true}, {loseReply: true}}).Draw(t, "store")
		if s.takes > 0 {
			s.takes = between(t, 1, 8*second, "takes")
		}
		d := between(t, 0, 20*second, "for")
		return event{at, fmt.Sprintf("the store is %+v for %v", s, d), func(w *world) {
			w.store = s
			w.storing(w.soon(d), store{})
		}}
	}
}

// anyEdit draws a change of the spec.
func anyEdit(t *rapid.T, kind string, at time.Duration, name string) event {
	what := kind + " of " + name + " is edited"
	var change func(c *Config)
	switch kind {
	case "failover":
		var drawn Config
		redrawFailover(t, &drawn)
		what = "failover is edited: " + failoverLimits(drawn)
		change = func(c *Config) {
			drawn.Regions, drawn.Paced = c.Regions, c.Paced
			*c = drawn
		}
	case "limits":
		var drawn RegionConfig
		redrawRegion(t, &drawn)
		what = "limits are edited: " + limits(drawn)
		change = func(c *Config) {
			for i := range c.Regions {
				c.Regions[i].Breaker, c.Regions[i].Probe = drawn.Breaker, drawn.Probe
			}
		}
	case "endpoint":
		identity := name + inSeconds(at)
		change = each(name, func(r *RegionConfig) { r.Identity = identity })
	case "order":
		n := rapid.IntRange(0, 4).Draw(t, "rotate")
		what = fmt.Sprintf("regions are rotated by %d", n)
		change = func(c *Config) {
			n := n % len(c.Regions)
			c.Regions = slices.Concat(c.Regions[n:], c.Regions[:n])
		}
	case "remove":
		what = name + " is removed"
		change = func(c *Config) {
			if len(c.Regions) > 1 {
				c.Regions = slices.DeleteFunc(c.Regions, func(r RegionConfig) bool { return r.Name == name })
			}
		}
	case "add":
		r := RegionConfig{Name: name, Identity: name}
		redrawRegion(t, &r)
		what = name + " is added"
		change = func(c *Config) {
			if !slices.ContainsFunc(c.Regions, func(other RegionConfig) bool { return other.Name == name }) {
				c.Regions = append(c.Regions, r)
			}
		}
	}
	return event{at, what, func(w *world) { w.edit(w.now, change) }}
}

func each(name string, change func(*RegionConfig)) func(*Config) {
	return func(c *Config) {
		for i := range c.Regions {
			if c.Regions[i].Name == name {
				change(&c.Regions[i])
			}
		}
	}
}
