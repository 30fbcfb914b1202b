// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package invariant

import (
	"fmt"
	"slices"
	"time"
)

// AtRest tells that all is well and settled. Until the spec or the orders change, or an answer is no success,
// every write is a violation, also after a restart.
func (j *Judge) AtRest() { j.resting = true }

// Wrote tells of a write, or of work to be done, that is neither a status nor a slice.
func (j *Judge) Wrote(at time.Time, what string) {
	if j.resting {
		j.violatedf(Rest, at, "%s", what)
	}
}

// Converged judges what is stored, when the named regions have been healthy for long enough and all others
// have not; without names, all are healthy.
func (j *Judge) Converged(at time.Time, healthy ...string) {
	r := j.stored
	best := ""
	for _, region := range j.spec.Regions {
		well := len(healthy) == 0 || slices.Contains(healthy, region.Name)
		if well && best == "" {
			best = region.Name
		}
		if well && r.breaker(region.Name).Open {
			j.violatedf(Converge, at, "the breaker of region %s is still open", region.Name)
		}
	}
	stays := r.Pinned || j.spec.ManualFailback || j.spec.Mode != Automatic
	served := j.spec.rank(r.ActiveRegion) >= 0 && (len(healthy) == 0 || slices.Contains(healthy, r.ActiveRegion))
	if best != "" && r.ActiveRegion != best && (!stays || !served && j.spec.Mode == Automatic) {
		j.violatedf(Converge, at, "region %s is active, and %s is healthy and preferred", r.ActiveRegion, best)
	}
	if o := j.orders; !o.Paused && (o.Reset != "" && r.HandledReset != o.Reset || o.Switch != "" && r.HandledSwitch != o.Switch) {
		j.violatedf(Converge, at, "asked for are reset %q and switch %q, handled are %q and %q", o.Reset, o.Switch, r.HandledReset, r.HandledSwitch)
	}
	for family, s := range j.shown {
		if s.UID != r.UID || s.Seq != r.ActiveSeq {
			j.violatedf(Converge, at, "slices of %s show number %d of %s, and number %d of %s is active", family, s.Seq, s.UID, r.ActiveSeq, r.UID)
		}
	}
}

// SameOutput compares the transcripts of two runs with the same input; nil if they are the same.
func SameOutput(first, second []string) *Violation {
	for i := range max(len(first), len(second)) {
		a, b := line(first, i), line(second, i)
		if a != b {
			return &Violation{Rule: Same, Saw: fmt.Sprintf("line %d was %s and is %s", i+1, a, b)}
		}
	}
	return nil
}

func line(lines []string, i int) string {
	if i >= len(lines) {
		return "missing"
	}
	return fmt.Sprintf("%q", lines[i])
}
