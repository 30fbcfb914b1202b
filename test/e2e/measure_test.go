// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
	"github.com/breakwater-dev/breakwater/test/load"
)

// movingLimit is how long what follows the detection may take, until traffic has
// moved. It is for medians: single ones depend on what else the machine does.
const movingLimit = 500 * time.Millisecond

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
		name:      "period 250ms",
		probe:     llmv1alpha1.ProbeSpec{Period: "250ms", SuspectPeriod: "250ms", Timeout: "250ms"},
		threshold: 5, period: 250 * time.Millisecond, suspect: 250 * time.Millisecond, timeout: 250 * time.Millisecond,
	}
)

// TestMeasure measures failovers one after the other: kube-proxy writes its
// rules at most once a second, so that two at a time would measure that.
func TestMeasure(t *testing.T) {
	var report report
	for _, row := range []struct {
		settings settings
		death    string
		limit    time.Duration // of the whole outage
	}{
		{quick, "refuses", 2500 * time.Millisecond},
		{quick, "hangs", 2500 * time.Millisecond},
		{defaults, "refuses", 10 * time.Second},
		{defaults, "hangs", 25 * time.Second},
	} {
		t.Run(row.settings.name+" "+row.death, func(t *testing.T) {
			w := newWorld(t)
			w.region(1, 0)
			server := w.regionProcess(0)
			b := w.backend()
			b.Spec.Probe, b.Spec.Breaker, b.Spec.Failover = row.settings.probe, llmv1alpha1.BreakerSpec{}, llmv1alpha1.FailoverSpec{}
			w.create(b)
			w.call(func(o *load.Options) { o.Interval = 20 * time.Millisecond })
			w.awaitActive(primary)
			seen := w.observe()
			measured := row.settings.bounds(row.death)
			for i := range *failovers {
				// A third of the period and a bit more each time, to meet all its phases.
				w.reset(i, time.Duration(i)*row.settings.period*37/100%row.settings.period)
				died, err := kill(server, row.death)
				if err != nil {
					t.Fatal(err)
				}
				f := w.follow(seen, died)
				measured.Failovers = append(measured.Failovers, f)
				t.Log(f)
				if f.Outage.Duration > row.limit {
					t.Errorf("the client saw an outage of %s; want at most %s", f.Outage.Duration, row.limit)
				}
				_ = server.Kill()
				server = w.regionProcess(0)
			}
			measured.summarise()
			if moving := measured.Median.moving(); moving > movingLimit {
				t.Errorf("decision, publication and programming took %s, half of the times or more; want at most %s", moving, movingLimit)
			}
			report.Rows = append(report.Rows, measured)
		})
	}
	if err := report.write(); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + report.String())
}

// kill has a server die, and says when.
func kill(server *lab.Process, death string) (time.Time, error) {
	if death == "hangs" {
		return time.Now(), server.Signal(syscall.SIGSTOP)
	}
	return time.Now(), server.Kill()
}

// reset has traffic return to the primary, and waits until everything is as if
// nothing had happened, and some time more.
func (w *world) reset(round int, more time.Duration) {
	w.t.Helper()
	w.kubectl("annotate", "llmb", name, "-n", w.ns, "--overwrite", fmt.Sprintf("%s=%d", llmv1alpha1.ResetAnnotation, round))
	w.eventually("the reset", func() bool { return w.get().Status.LastHandledReset == fmt.Sprint(round) })
	w.awaitActive(primary)
	w.awaitAnswer(primary, time.Now())
	// Twice the time that kube-proxy leaves between two writes of its rules.
	quiet := time.NewTimer(2*time.Second + more)
	<-quiet.C
}

// sightings are what a watcher saw, each when it saw it.
type sightings struct {
	status, slice chan time.Time
}

// observe watches for failovers to the secondary: the status that says so, and
// the slice that sends clients there.
func (w *world) observe() sightings {
	w.t.Helper()
	seen := sightings{status: make(chan time.Time, 100), slice: make(chan time.Time, 100)}
	follow(w, &llmv1alpha1.LLMBackendList{}, seen.status, func(b *llmv1alpha1.LLMBackend) string {
		return b.Status.ActiveRegion
	}, secondary)
	address, _, _ := strings.Cut(w.addr(1, 0), ":")
	follow(w, &discoveryv1.EndpointSliceList{}, seen.slice, func(s *discoveryv1.EndpointSlice) string {
		if len(s.Endpoints) == 0 {
			return ""
		}
		return s.Endpoints[0].Addresses[0]
	}, address)
	return seen
}

// follow sends the time of each event with which a value becomes the one wanted.
func follow[T client.Object](w *world, list client.ObjectList, seen chan<- time.Time, value func(T) string, want string) {
	w.t.Helper()
	events, err := w.client.Watch(w.t.Context(), list, client.InNamespace(w.ns))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(events.Stop)
	go func() {
		last := ""
		for event := range events.ResultChan() {
			object, ok := event.Object.(T)
			if !ok || event.Type == watch.Deleted {
				continue
			}
			if now := value(object); now != last {
				if last = now; now == want {
					seen <- time.Now()
				}
			}
		}
	}()
}

// follow waits for a failover and measures it.
func (w *world) follow(seen sightings, died time.Time) failover {
	w.t.Helper()
	status, slice := w.receive(seen.status, "status"), w.receive(seen.slice, "slice")
	calls := w.awaitAnswer(secondary, died)
	answered := calls[slices.IndexFunc(calls, func(c load.Call) bool { return c.Region == secondary })].End

	opened := died
	for _, h := range w.awaitActive(secondary).Status.History {
		if h.Type == llmv1alpha1.TransitionBreakerOpened {
			opened = h.Time.Time
			break
		}
	}
	return failover{
		Detection: seconds(opened.Sub(died)), Decision: seconds(status.Sub(opened)),
		Publication: seconds(slice.Sub(status)), Programming: seconds(answered.Sub(slice)),
		Outage: seconds(calls.Longest().Length()),
	}
}

func (w *world) receive(from <-chan time.Time, what string) time.Time {
	w.t.Helper()
	var at time.Time
	w.eventually("a watcher sees the "+what, func() bool {
		select {
		case at = <-from:
			return true
		default:
			return false
		}
	})
	return at
}
