// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"fmt"
	"strconv"
	"time"

	"pgregory.net/rapid"
)

// schedule is a random spec and what happens to it.
type schedule struct {
	config   Config
	timeouts map[string]time.Duration
	eager    bool
	script   []event
	// turnAfter is how long a move waits for its turn, if it has to.
	turnAfter time.Duration
	longHeld  bool // a Retry-After or a clock may hold a region for longer than anybody waits here
}

// event is something that happens, and how a transcript tells it.
type event struct {
	at   time.Duration
	what string
	do   func(*world)
}

func (e event) GoString() string { return inSeconds(e.at) + " " + e.what }

// longest is the longest that a window lasts in a schedule that is not longHeld.
const longest = 70 * time.Second

func anySchedule() *rapid.Generator[schedule] {
	return rapid.Custom(func(t *rapid.T) schedule {
		names := []string{"a", "b", "c", "d", "e"}[:rapid.IntRange(1, 5).Draw(t, "regions")]
		s := schedule{
			config:   anyConfig(t, names),
			timeouts: map[string]time.Duration{},
			eager:    rapid.Bool().Draw(t, "eager"),
			longHeld: rapid.IntRange(0, 9).Draw(t, "longHeld") == 9,
		}
		if rapid.IntRange(0, 3).Draw(t, "paced") == 3 {
			s.config.Paced = true
			s.turnAfter = between(t, 0, 20*second, "turnAfter")
		}
		for _, r := range s.config.Regions {
			s.timeouts[r.Name] = between(t, 100*ms, min(probeTimeout, r.Probe.Period), "timeout")
		}
		events := rapid.Custom(func(t *rapid.T) event { return anyEvent(t, names, s.longHeld) })
		s.script = rapid.SliceOfN(events, 0, 40).Draw(t, "script")
		return s
	})
}

// between returns a duration, in whole seconds as often as not, so that things meet in one instant.
func between(t *rapid.T, low, high time.Duration, label string) time.Duration {
	unit := rapid.SampledFrom([]time.Duration{second, second, 50 * ms, 1}).Draw(t, label+" unit")
	units := rapid.Int64Range(int64(low/unit), int64(high/unit)).Draw(t, label)
	return min(max(time.Duration(units*int64(unit)), low), high)
}

func anyConfig(t *rapid.T, names []string) Config {
	c := Config{Regions: make([]RegionConfig, len(names))}
	for i, name := range names {
		c.Regions[i] = RegionConfig{Name: name, Identity: name}
	}
	redrawFailover(t, &c)
	for i := range c.Regions {
		redrawRegion(t, &c.Regions[i])
	}
	return c
}

func redrawFailover(t *rapid.T, c *Config) {
	c.Mode = rapid.SampledFrom([]Mode{Automatic, Automatic, Automatic, Automatic, Observe, Disabled}).Draw(t, "mode")
	c.MinDuration = between(t, 0, 60*second, "minDuration")
	if rapid.IntRange(0, 2).Draw(t, "flapping") == 2 {
		c.MaxMinDuration = between(t, c.MinDuration, 120*second, "maxMinDuration")
	}
	if rapid.IntRange(0, 2).Draw(t, "limited") == 2 {
		c.MaxPerHour = rapid.IntRange(1, 4).Draw(t, "maxPerHour")
	}
	c.ManualFailback = rapid.IntRange(0, 7).Draw(t, "manual") == 7
	c.SuspectPeriod = between(t, 200*ms, 3*second, "suspectPeriod")
}

func redrawRegion(t *rapid.T, r *RegionConfig) {
	r.Breaker = BreakerConfig{
		FailureThreshold:    rapid.IntRange(1, 5).Draw(t, "failureThreshold"),
		SuccessThreshold:    rapid.IntRange(1, 3).Draw(t, "successThreshold"),
		OpenDuration:        between(t, second, 60*second, "openDuration"),
		RetryAfterThreshold: between(t, 100*ms, 60*second, "retryAfterThreshold"),
	}
	if rapid.IntRange(0, 3).Draw(t, "slow") == 3 {
		r.Breaker.SlowThreshold = between(t, 100*ms, 3*second, "slowThreshold")
		r.Breaker.SlowPercent = 10 * rapid.IntRange(1, 10).Draw(t, "slowPercent")
	}
	if rapid.IntRange(0, 2).Draw(t, "adaptive") == 2 {
		r.Breaker.Adaptive = anyAdaptive(t)
	}
	r.Probe = ProbeConfig{
		OnDemand:      rapid.IntRange(0, 4).Draw(t, "onDemand") == 4,
		Ladder:        rapid.IntRange(0, 2).Draw(t, "ladder") == 2,
		Period:        between(t, second, 10*second, "period"),
		SuspectPeriod: between(t, 200*ms, 3*second, "trialPeriod"),
		FirstAfter:    between(t, 0, 3*second, "firstAfter"),
	}
}

func anyAdaptive(t *rapid.T) *AdaptiveConfig {
	a := &AdaptiveConfig{
		LowFailurePercent:   rapid.IntRange(1, 50).Draw(t, "lowFailurePercent"),
		MinFailureThreshold: rapid.IntRange(1, 4).Draw(t, "minFailureThreshold"),
		MinOpenDuration:     between(t, second, 20*second, "minOpenDuration"),
	}
	a.HighFailurePercent = rapid.IntRange(a.LowFailurePercent+1, 99).Draw(t, "highFailurePercent")
	a.MaxFailureThreshold = rapid.IntRange(a.MinFailureThreshold, 8).Draw(t, "maxFailureThreshold")
	a.MaxOpenDuration = between(t, a.MinOpenDuration, 60*second, "maxOpenDuration")
	return a
}

// failoverLimits tells when traffic moves, for a transcript.
func failoverLimits(c Config) string {
	return fmt.Sprintf("mode %d, minDuration %v to %v, %d per hour, manual failback %v",
		c.Mode, c.MinDuration, c.MaxMinDuration, c.MaxPerHour, c.ManualFailback)
}

// limits tells the limits of a region, for a transcript.
func limits(r RegionConfig) string {
	b, p := r.Breaker, r.Probe
	s := fmt.Sprintf("%d failures, %d successes, open %v, threshold %v, period %v, suspect %v, onDemand %v, ladder %v",
		b.FailureThreshold, b.SuccessThreshold, b.OpenDuration, b.RetryAfterThreshold, p.Period, p.SuspectPeriod, p.OnDemand, p.Ladder)
	if b.SlowThreshold > 0 {
		s += fmt.Sprintf(", slow above %v at %d %%", b.SlowThreshold, b.SlowPercent)
	}
	if b.Adaptive != nil {
		s += fmt.Sprintf(", adaptive %+v", *b.Adaptive)
	}
	return s
}

// reply makes an answer at the moment at which a region begins to give it.
type reply struct {
	what string
	make func(now time.Time) answer
}

func (r reply) GoString() string { return r.what }

func anyReply(t *rapid.T, longHeld bool) reply {
	switch rapid.SampledFrom([]string{"status", "status", "fault", "limited", "limited", "hangs", "slow"}).Draw(t, "reply") {
	case "fault":
		f := Fault(rapid.IntRange(int(Timeout), int(ClusterIPEndpoint)).Draw(t, "fault"))
		return reply{f.String(), func(time.Time) answer { return fault(f) }}
	case "limited":
		return anyLimit(t, longHeld)
	case "hangs":
		return reply{"nothing", func(time.Time) answer { return hangs() }}
	case "slow":
		code, after := anyStatus(t), between(t, 0, probeTimeout, "after")
		return reply{fmt.Sprintf("%d after %v", code, after), func(time.Time) answer {
			a := slow(code, after)
			a.Latency = after
			return a
		}}
	default:
		code := anyStatus(t)
		return reply{strconv.Itoa(code), func(time.Time) answer { return status(code) }}
	}
}

func anyStatus(t *rapid.T) int {
	return rapid.SampledFrom([]int{200, 503, 200, 204, 500, 529, 302, 400, 401, 403, 404, 418}).Draw(t, "status")
}

// anyLimit is a 429, its Retry-After in each form that there is.
func anyLimit(t *rapid.T, longHeld bool) reply {
	d := between(t, 0, longest, "retryAfter")
	if longHeld {
		d = between(t, 0, 2*MaxRetryAfter, "retryAfter")
	}
	header, ms, relative, code := "", "", time.Duration(0), ""
	if longHeld && rapid.IntRange(0, 3).Draw(t, "quota") == 3 {
		code = "insufficient_quota"
	}
	switch rapid.SampledFrom([]string{"none", "seconds", "date", "ms", "both", "garbage"}).Draw(t, "retryAfter form") {
	case "seconds":
		header = strconv.Itoa(int(d.Seconds()))
	case "date":
		relative = d
	case "ms":
		ms = strconv.Itoa(int(d.Milliseconds()))
	case "both":
		header, ms = "1", strconv.Itoa(int(d.Milliseconds()))
	case "garbage":
		header, ms = "soon", "-1"
	}
	return reply{fmt.Sprintf("429 %s (%q, %q, %v)", code, header, ms, relative), func(now time.Time) answer {
		given := header
		if relative > 0 {
			given = now.Add(relative).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
		}
		return answer{Response: Response{Status: 429, ErrorCode: code, RetryAfter: ParseRetryAfter(now, given, ms)}}
	}}
}
