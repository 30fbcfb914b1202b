// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Call is one call that has ended.
type Call struct {
	Start, End time.Time
	// Region is the name of who answered, if Err is nil.
	Region string
	Err    error
}

// Record is calls in the order of their starts.
type Record []Call

// Since returns the calls that started at a time or later.
func (r Record) Since(from time.Time) Record {
	i := slices.IndexFunc(r, func(c Call) bool { return !c.Start.Before(from) })
	if i < 0 {
		return nil
	}
	return r[i:]
}

// Answers counts the answers of each region, and the calls that failed.
func (r Record) Answers() (regions map[string]int, failed int) {
	regions = map[string]int{}
	for _, c := range r {
		if c.Err != nil {
			failed++
			continue
		}
		regions[c.Region]++
	}
	return regions, failed
}

// Outage is a time in which no call was answered.
type Outage struct {
	// From is the start of the first call that failed, Until the end of the
	// next one that did not, or of the last one.
	From, Until time.Time
	Failed      int
	// Err is how the first call failed.
	Err error
}

// Length is how long it lasted, as the client saw it.
func (o Outage) Length() time.Duration { return o.Until.Sub(o.From) }

// Outages returns all of a record, in order.
func (r Record) Outages() []Outage {
	var outages []Outage
	failing := false
	for _, c := range r {
		switch {
		case c.Err != nil && !failing:
			outages = append(outages, Outage{From: c.Start, Until: c.End, Failed: 1, Err: c.Err})
		case c.Err != nil:
			last := &outages[len(outages)-1]
			last.Failed++
			if c.End.After(last.Until) {
				last.Until = c.End
			}
		case failing:
			outages[len(outages)-1].Until = c.End
		}
		failing = c.Err != nil
	}
	return outages
}

// Longest returns the longest outage, or a zero one.
func (r Record) Longest() Outage {
	var longest Outage
	for _, o := range r.Outages() {
		if o.Length() > longest.Length() {
			longest = o
		}
	}
	return longest
}

// String says in one line what a client saw.
func (r Record) String() string {
	regions, failed := r.Answers()
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(regions)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, regions[name]))
	}
	line := "answers: " + strings.Join(parts, ", ")
	if len(parts) == 0 {
		line = "no answers"
	}
	line += fmt.Sprintf("; errors: %d", failed)
	if o := r.Longest(); o.Failed > 0 {
		line += fmt.Sprintf("; outage: %.2f s", o.Length().Seconds())
	}
	return line
}
