// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"slices"
	"testing"
	"time"
)

// scenario is a script and the transcript that it must give.
type scenario struct {
	name    string
	regions []string // us-east and eu-west if empty
	script  func(w *world)
	until   time.Duration
	want    []string
}

func runAll(t *testing.T, scenarios []scenario) {
	t.Helper()
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			if len(s.regions) == 0 {
				s.regions = []string{"us-east", "eu-west"}
			}
			w := newWorld(t, config(s.regions...))
			s.script(w)
			w.run(s.until)
			w.want(s.want...)
		})
	}
}

const (
	second = time.Second
	ms     = time.Millisecond
)

// config returns a Config of regions with the defaults of the API.
func config(names ...string) Config {
	c := Config{SuspectPeriod: time.Second, MinDuration: 30 * time.Second}
	for _, name := range names {
		c.Regions = append(c.Regions, RegionConfig{
			Name: name, Identity: name,
			Breaker: BreakerConfig{
				FailureThreshold: 5, SuccessThreshold: 1,
				OpenDuration: time.Minute, RetryAfterThreshold: 2 * time.Minute,
			},
			Probe: ProbeConfig{Period: 5 * time.Second, SuspectPeriod: time.Second},
		})
	}
	return c
}

func status(code int) answer { return answer{Response: Response{Status: code}} }

func slow(code int, d time.Duration) answer {
	return answer{Response: Response{Status: code}, after: d}
}

func limited(d time.Duration) answer {
	return answer{Response: Response{Status: 429, RetryAfter: RetryAfter{Given: true, Delay: d}}}
}

func fault(f Fault) answer { return answer{Response: Response{Fault: f}} }

func hangs() answer { return answer{hangs: true} }

func outcome(r Response) Outcome {
	c := Classifier{FailureStatusCodes: []int{500, 502, 503, 504, 529}}
	return c.Classify(r)
}

// at adds to the script. Entries of one instant run in the order in which they were added.
func (w *world) at(at time.Duration, do func()) {
	w.script = append(w.script, scripted{at, do})
	slices.SortStableFunc(w.script, func(a, b scripted) int { return int(a.at - b.at) })
}

// responds sets what a region answers from then on.
func (w *world) responds(at time.Duration, region string, a answer) {
	w.at(at, func() { w.responses[region] = a })
}

// respondsAbove sets what a region answers from then on to what only probes that climb ask.
func (w *world) respondsAbove(at time.Duration, region string, a answer) {
	w.at(at, func() { w.above[region] = a })
}

// traffic makes calls to a region, at once, that real traffic reports.
func (w *world) traffic(at time.Duration, region string, calls int, r answer) {
	w.at(at, func() {
		for range calls {
			w.tellAnswer(region, w.now, ByTraffic, outcome(r.Response))
			w.machine.Traffic(w.clock(), region, outcome(r.Response))
		}
	})
}

// confirm asks for a confirmation of the active region.
func (w *world) confirm(at time.Duration) { w.at(at, func() { w.machine.Confirm() }) }

// edit changes the spec.
func (w *world) edit(at time.Duration, change func(*Config)) {
	w.at(at, func() {
		w.config.Regions = slices.Clone(w.config.Regions)
		change(&w.config)
		w.generation++
		w.revision++
		w.observe()
	})
}

// order changes the annotations.
func (w *world) order(at time.Duration, change func(*Orders)) {
	w.at(at, func() {
		change(&w.orders)
		w.revision++
		w.observe()
	})
}

// storing changes how writes go from then on.
func (w *world) storing(at time.Duration, s store) {
	w.at(at, func() { w.store = s })
}

// restart forgets everything but what is stored. The wall clock of the new process is off by step.
func (w *world) restart(at, step time.Duration) {
	w.at(at, func() {
		w.machine, w.inFlight, w.writing, w.retryAt = &Machine{}, nil, nil, 0
		w.step += step
		w.judge.Restarted(w.trueTime(w.now), step)
		w.observe()
	})
}
