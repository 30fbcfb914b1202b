// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// report is what bin/e2e-report.json holds. All durations are in seconds.
type report struct {
	Rows []*row `json:"rows"`
}

// row is the failovers of one kind.
type row struct {
	Settings string `json:"settings"`
	Death    string `json:"death"`
	// DetectionAtBest and DetectionAtWorst follow from threshold, period and
	// timeout: with a probe just about to start at the death, and one that has
	// just been answered.
	DetectionAtBest  duration   `json:"detectionAtBest"`
	DetectionAtWorst duration   `json:"detectionAtWorst"`
	Median           failover   `json:"median"`
	Maximum          failover   `json:"maximum"`
	Failovers        []failover `json:"failovers"`
	// LoadAverage is how many processes wanted to run on the machine, in the
	// minute before the last failover.
	LoadAverage string `json:"loadAverage"`

	settings settings
	worlds   int           // that measure at the same time
	limit    time.Duration // of the whole outage
	mu       sync.Mutex    // guards Failovers and LoadAverage
}

// failover is how long each part of one took.
type failover struct {
	// Detection is from the death to the opening of the breaker.
	Detection duration `json:"detection"`
	// Decision is from there to the status, as a watcher saw it.
	Decision duration `json:"decision"`
	// Publication is from there to the slice, as a watcher saw it.
	Publication duration `json:"publication"`
	// Programming is from there to the first good answer through the ClusterIP.
	Programming duration `json:"programming"`
	// Moving is from the opening of the breaker to the first answer: decision,
	// publication and programming.
	Moving duration `json:"moving"`
	// Outage is from the start of the first call that failed to the end of the
	// first one after it that did not.
	Outage duration `json:"outage"`
}

func (f *failover) parts() []*duration {
	return []*duration{&f.Detection, &f.Decision, &f.Publication, &f.Programming, &f.Moving, &f.Outage}
}

// duration is written in seconds, to the millisecond.
type duration struct{ time.Duration }

func seconds(d time.Duration) duration { return duration{d.Round(time.Millisecond)} }

func (d duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.Seconds()) }

func (f failover) String() string {
	return fmt.Sprintf("detection %.3f s, decision %.3f s, publication %.3f s, programming %.3f s (moving %.3f s); outage %.3f s",
		f.Detection.Seconds(), f.Decision.Seconds(), f.Publication.Seconds(), f.Programming.Seconds(), f.Moving.Seconds(), f.Outage.Seconds())
}

// newRow is a row without failovers.
func newRow(s settings, death string, worlds int, limit time.Duration) *row {
	best := s.detection(death)
	return &row{
		Settings: s.name, Death: death, settings: s, worlds: worlds, limit: limit,
		DetectionAtBest: duration{best}, DetectionAtWorst: duration{best + s.period},
	}
}

// add adds a failover, and returns how many there are.
func (r *row) add(f failover) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Failovers = append(r.Failovers, f)
	if averages, err := os.ReadFile("/proc/loadavg"); err == nil {
		r.LoadAverage, _, _ = strings.Cut(string(averages), " ")
	}
	return len(r.Failovers)
}

// summarise computes medians and maxima, part by part.
func (r *row) summarise() {
	n := len(r.Failovers)
	if n == 0 {
		return
	}
	for i := range new(failover).parts() {
		var all []time.Duration
		for j := range r.Failovers {
			all = append(all, r.Failovers[j].parts()[i].Duration)
		}
		slices.Sort(all)
		*r.Median.parts()[i] = seconds((all[(n-1)/2] + all[n/2]) / 2)
		*r.Maximum.parts()[i] = seconds(all[n-1])
	}
}

// slow counts the failovers that moved later than movingLimit.
func (r *row) slow() int {
	n := 0
	for _, f := range r.Failovers {
		if f.Moving.Duration > movingLimit {
			n++
		}
	}
	return n
}

// write writes bin/e2e-report.json.
func (r report) write() error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "bin", "e2e-report.json"), append(content, '\n'), 0o644)
}

// String is the summary for people.
func (r report) String() string {
	var out strings.Builder
	for _, row := range r.Rows {
		fmt.Fprintf(&out, "%s, server %s, %d failovers, %d of which moved later than %s; load average %s\n",
			row.Settings, row.Death, len(row.Failovers), row.slow(), movingLimit, row.LoadAverage)
		fmt.Fprintf(&out, "  detection by arithmetic %.2f to %.2f s\n  median   %s\n  maximum  %s\n",
			row.DetectionAtBest.Seconds(), row.DetectionAtWorst.Seconds(), row.Median, row.Maximum)
	}
	out.WriteString("for docs/connections.md:\n")
	for _, row := range r.Rows {
		median, maximum := row.Median, row.Maximum
		fmt.Fprintf(&out, "| %s | %s | %.1f to %.1f | %.2f | %.2f | %.2f | %.2f | %.2f | %.1f | %.1f |\n",
			row.Settings, row.Death, row.DetectionAtBest.Seconds(), row.DetectionAtWorst.Seconds(), median.Detection.Seconds(),
			median.Decision.Seconds(), median.Publication.Seconds(), median.Programming.Seconds(), maximum.Moving.Seconds(),
			median.Outage.Seconds(), maximum.Outage.Seconds())
	}
	return out.String()
}
