// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
	"github.com/breakwater-dev/breakwater/test/load"
)

// movingLimit is how long what follows the detection may take, until traffic has
// moved. It is for the median: single ones depend on what else the machine does.
const movingLimit = 500 * time.Millisecond

// How long a reset, and a failover after its detection, change slices.
const (
	resetTime = 500 * time.Millisecond
	moveTime  = 800 * time.Millisecond
)

// settings are those that a row of the report is measured with.
type settings struct {
	name  string
	probe llmv1alpha1.ProbeSpec
	// threshold, period, suspect and timeout are what probe and breaker amount to.
	threshold                int
	period, suspect, timeout time.Duration
}

var (
	defaults = settings{
		name: "defaults", threshold: 5, period: 5 * time.Second, suspect: time.Second, timeout: 3 * time.Second,
	}
	quick = settings{
		name:      "period, suspectPeriod, timeout 250ms",
		probe:     llmv1alpha1.ProbeSpec{Period: "250ms", SuspectPeriod: "250ms", Timeout: "250ms"},
		threshold: 5, period: 250 * time.Millisecond, suspect: 250 * time.Millisecond, timeout: 250 * time.Millisecond,
	}
)

// detection is from the first probe that fails to the opening. A server that
// refuses fails a probe at once, and the next starts after suspectPeriod; one
// that hangs fails it after the timeout, and the next starts then, or after
// suspectPeriod if that is later.
func (s settings) detection(death string) time.Duration {
	if death == "hangs" {
		return s.timeout + time.Duration(s.threshold-1)*max(s.suspect, s.timeout)
	}
	return time.Duration(s.threshold-1) * s.suspect
}

// TestMeasure measures failovers. At a period of 250 ms one follows the other.
// With the defaults, when nearly all of the time is spent on waiting for a
// breaker, several worlds wait at once.
func TestMeasure(t *testing.T) {
	began := time.Now()
	var table timetable
	var report report
	for _, group := range [][]*row{
		{newRow(quick, "refuses", 1, 2500*time.Millisecond)},
		{newRow(quick, "hangs", 1, 2500*time.Millisecond)},
		{newRow(defaults, "refuses", 2, 10*time.Second), newRow(defaults, "hangs", 4, 25*time.Second)},
	} {
		t.Run(group[0].Settings, func(t *testing.T) {
			for _, row := range group {
				row.measure(t, &table)
			}
		})
		report.Rows = append(report.Rows, group...)
	}
	report.Rows = slices.DeleteFunc(report.Rows, func(r *row) bool { return len(r.Failovers) == 0 })
	for _, row := range report.Rows {
		row.summarise()
		if row.Median.Moving.Duration > movingLimit {
			t.Errorf("%s, %s: decision, publication and programming took %s, half of the times or more; want at most %s",
				row.Settings, row.Death, row.Median.Moving, movingLimit)
		}
	}
	if err := report.write(); err != nil {
		t.Fatal(err)
	}
	t.Logf("measured in %s\n%s", time.Since(began).Round(time.Second), report)
}

// measure starts the row's worlds, each a parallel test.
func (r *row) measure(t *testing.T, table *timetable) {
	for n := range min(r.worlds, *failovers) {
		t.Run(fmt.Sprintf("%s %d", r.Death, n+1), func(t *testing.T) {
			t.Parallel()
			m := newMortal(t, r, table)
			for i := n; i < *failovers; i += r.worlds {
				m.reset(i)
				// Deaths are spread evenly over the period.
				f := m.die(time.Duration(2*i+1) * r.settings.period / time.Duration(2**failovers))
				t.Logf("%s, %s, %d of %d: %s", r.Settings, r.Death, r.add(f), *failovers, f)
				if f.Outage.Duration > r.limit {
					t.Errorf("the client saw an outage of %s; want at most %s", f.Outage, r.limit)
				}
			}
		})
	}
}

// mortal is a world whose primary dies again and again.
type mortal struct {
	*world
	row    *row
	table  *timetable
	server *lab.Process
	seen   sightings
}

func newMortal(t *testing.T, r *row, table *timetable) *mortal {
	m := &mortal{world: newWorld(t), row: r, table: table}
	m.region(1, 0)
	m.server = m.regionProcess(0)
	b := m.backend()
	b.Spec.Probe, b.Spec.Breaker, b.Spec.Failover = r.settings.probe, llmv1alpha1.BreakerSpec{}, llmv1alpha1.FailoverSpec{}
	table.await(resetTime)
	m.create(b)
	m.call(func(o *load.Options) { o.Interval = 20 * time.Millisecond })
	m.awaitActive(primary)
	m.seen = m.observe()
	return m
}

// reset has traffic return to the primary, and waits until everything is as if
// nothing had happened.
func (m *mortal) reset(round int) {
	m.t.Helper()
	m.table.await(resetTime)
	token := fmt.Sprint(round)
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, llmv1alpha1.ResetAnnotation, token)
	if err := m.client.Patch(m.t.Context(), m.get(), client.RawPatch("application/merge-patch+json", patch)); err != nil {
		m.t.Fatal(err)
	}
	m.eventually("the reset", func() bool { return m.get().Status.LastHandledReset == token })
	m.awaitActive(primary)
	m.awaitAnswer(primary, time.Now())
}

// die has the server die some time after a probe, measures the failover, and
// starts the server again.
func (m *mortal) die(phase time.Duration) failover {
	m.t.Helper()
	for {
		probed := m.awaitProbe()
		opens := probed.Add(m.row.settings.period + m.row.settings.detection(m.row.Death))
		if m.table.reserve(window{opens, opens.Add(moveTime)}) {
			pause(m.t.Context(), time.Until(probed.Add(phase)))
			break
		}
	}
	died, err := kill(m.server, m.row.Death)
	if err != nil {
		m.t.Fatal(err)
	}
	f := m.follow(m.seen, died)
	_ = m.server.Kill()
	m.server = m.regionProcess(0)
	return f
}

// awaitProbe waits until the primary gets a probe, and returns about when.
func (m *mortal) awaitProbe() time.Time {
	m.t.Helper()
	probes := func() int {
		state, err := lab.ReadState(m.t.Context(), m.admin(0))
		if err != nil {
			m.t.Fatal(err)
		}
		return state.Requests["/health"]
	}
	before := probes()
	m.eventually("a probe of the primary", func() bool { return probes() > before })
	return time.Now()
}

// kill has a server die, and says when.
func kill(server *lab.Process, death string) (time.Time, error) {
	if death == "hangs" {
		return time.Now(), server.Signal(syscall.SIGSTOP)
	}
	return time.Now(), server.Kill()
}

// follow waits for a failover and measures it.
func (m *mortal) follow(seen sightings, died time.Time) failover {
	m.t.Helper()
	status, slice := m.receive(seen.status, "status"), m.receive(seen.slice, "slice")
	calls := m.awaitAnswer(secondary, died)
	answered := calls[slices.IndexFunc(calls, func(c load.Call) bool { return c.Region == secondary })].End

	opened := died
	for _, h := range m.awaitActive(secondary).Status.History {
		if h.Type == llmv1alpha1.TransitionBreakerOpened {
			opened = h.Time.Time
			break
		}
	}
	return failover{
		Detection: seconds(opened.Sub(died)), Decision: seconds(status.Sub(opened)),
		Publication: seconds(slice.Sub(status)), Programming: seconds(answered.Sub(slice)),
		Moving: seconds(answered.Sub(opened)), Outage: seconds(calls.Longest().Length()),
	}
}

func (m *mortal) receive(from <-chan time.Time, what string) time.Time {
	m.t.Helper()
	var at time.Time
	m.eventually("a watcher sees the "+what, func() bool {
		select {
		case at = <-from:
			return true
		default:
			return false
		}
	})
	return at
}
