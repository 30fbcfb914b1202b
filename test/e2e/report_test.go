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
	// Outage is from the start of the first call that failed to the end of the
	// first one after it that did not.
	Outage duration `json:"outage"`
}

// moving is how long it took from the opening of the breaker to the first answer.
func (f failover) moving() time.Duration {
	return f.Decision.Duration + f.Publication.Duration + f.Programming.Duration
}

// duration is written in seconds, to the millisecond.
type duration struct{ time.Duration }

func seconds(d time.Duration) duration { return duration{d.Round(time.Millisecond)} }

func (d duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.Seconds()) }

func (f failover) String() string {
	return fmt.Sprintf("detection %.3f s, decision %.3f s, publication %.3f s, programming %.3f s; outage %.3f s",
		f.Detection.Seconds(), f.Decision.Seconds(), f.Publication.Seconds(), f.Programming.Seconds(), f.Outage.Seconds())
}

// bounds is a row without failovers. The first failing probe starts at most a
// period after the death, give or take a tenth. A server that refuses fails it at
// once, and the next starts after suspectPeriod; one that hangs fails it after
// the timeout, and the next starts then, or after suspectPeriod if that is later.
// A probe that was under way at the death of a server that hangs counts, too.
func (s settings) bounds(death string) *row {
	r := &row{Settings: s.name, Death: death}
	first, step := time.Duration(0), s.suspect
	if death == "hangs" {
		first, step = s.timeout, max(s.suspect, s.timeout)
	}
	r.DetectionAtBest = duration{first + time.Duration(s.threshold-1)*step}
	r.DetectionAtWorst = duration{r.DetectionAtBest.Duration + s.period*11/10}
	return r
}

// summarise computes medians and maxima, part by part.
func (r *row) summarise() {
	parts := func(f *failover) []*duration {
		return []*duration{&f.Detection, &f.Decision, &f.Publication, &f.Programming, &f.Outage}
	}
	for i := range parts(&failover{}) {
		var all []time.Duration
		for j := range r.Failovers {
			all = append(all, parts(&r.Failovers[j])[i].Duration)
		}
		slices.Sort(all)
		n := len(all)
		*parts(&r.Median)[i] = seconds((all[(n-1)/2] + all[n/2]) / 2)
		*parts(&r.Maximum)[i] = seconds(all[n-1])
	}
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
		fmt.Fprintf(&out, "%s, server %s, %d failovers; detection by arithmetic %.2f to %.2f s\n  median   %s\n  maximum  %s\n",
			row.Settings, row.Death, len(row.Failovers),
			row.DetectionAtBest.Seconds(), row.DetectionAtWorst.Seconds(), row.Median, row.Maximum)
	}
	return out.String()
}
