// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// facts is an LLMBackend at a time, in the words of the decision.
type facts struct {
	backend *llmv1alpha1.LLMBackend
	now     time.Time
	config  failover.Config
	orders  failover.Orders
	record  failover.Record
	// regions are as config.Regions; active is the index of the active one, -1 if it left the spec.
	regions []region
	active  int
}

// region is what is stored of a region of the spec. One that the status does not name yet is Closed.
type region struct {
	failover.RegionConfig
	failover.RegionRecord
	name  string
	unfit bool
}

// read fails only on an endpoint that the schema would have refused.
func read(b *llmv1alpha1.LLMBackend, now time.Time) (*facts, error) {
	in, _, err := translate.Input(b, nil, now)
	if err != nil {
		return nil, err
	}
	f := &facts{backend: b, now: now, config: in.Config, orders: in.Orders, record: in.Record, active: -1}
	for i, c := range in.Config.Regions {
		r := region{RegionConfig: c, name: c.Name, unfit: unfit(b, c.Name)}
		if j := slices.IndexFunc(in.Record.Regions, func(r failover.RegionRecord) bool { return r.Name == c.Name }); j >= 0 {
			r.RegionRecord = in.Record.Regions[j]
		}
		if c.Name == in.Record.ActiveRegion {
			f.active = i
		}
		f.regions = append(f.regions, r)
	}
	return f, nil
}

// unfit says whether the condition Stalled names the region as one that may not be used. Of several it names the first.
func unfit(b *llmv1alpha1.LLMBackend, name string) bool {
	c := meta.FindStatusCondition(b.Status.Conditions, llmv1alpha1.ConditionStalled)
	return c != nil && strings.HasPrefix(c.Message, fmt.Sprintf("region %s is no candidate", name))
}

// initialised says whether a first region has been made active.
func (f *facts) initialised() bool { return f.record.ActiveRegion != "" }

// activeFailed says whether traffic should leave the active region.
func (f *facts) activeFailed() bool { return f.active < 0 || f.regions[f.active].Open }

// holding says whether the active region fails and all others are asked, whatever their breakers say: because none
// has answered, or there is none whose breaker is closed.
func (f *facts) holding() bool {
	c := meta.FindStatusCondition(f.backend.Status.Conditions, llmv1alpha1.ConditionReady)
	none := c != nil && c.Reason == llmv1alpha1.ReasonNoHealthyRegion
	return f.activeFailed() && !f.limited() && (none || len(f.candidates()) == 0)
}

func (f *facts) paused() bool {
	return f.orders.Paused && (f.orders.PausedUntil.IsZero() || f.now.Before(f.orders.PausedUntil))
}

// pausedForGood says whether only a person ends the pause.
func (f *facts) pausedForGood() bool { return f.paused() && f.orders.PausedUntil.IsZero() }

func (f *facts) resetAsked() bool {
	return f.orders.Reset != "" && f.orders.Reset != f.record.HandledReset
}

func (f *facts) switchAsked() bool {
	return f.orders.Switch != "" && f.orders.Switch != f.record.HandledSwitch
}

// current is the name of the active region, which may have left the spec.
func (f *facts) current() string { return f.record.ActiveRegion }

// limitEnd is when maxPerHour allows a failover again; zero while it allows one.
func (f *facts) limitEnd() time.Time { return f.config.LimitedUntil(f.now, &f.record) }

// limited says whether maxPerHour keeps traffic at an active region that is in the spec.
func (f *facts) limited() bool { return f.active >= 0 && !f.limitEnd().IsZero() }

// failbackDue is when traffic may go back to a region. A stored time that lies in the future counts as now.
func (f *facts) failbackDue(to region) time.Time {
	since := f.record.ActiveSince
	if since.After(f.now) {
		since = f.now
	}
	return later(since.Add(f.config.StaysAway(to.name, &f.record)), f.limitEnd())
}

// others are the regions beside the active one that a condition holds for, in order of preference.
func (f *facts) others(holds func(region) bool) []region {
	var found []region
	for i, r := range f.regions {
		if i != f.active && holds(r) {
			found = append(found, r)
		}
	}
	return found
}

// candidates are the regions that a failover asks first.
func (f *facts) candidates() []region {
	return f.others(region.candidate)
}

func (r region) candidate() bool { return !r.Open && !r.unfit }

// closesAt is when an open breaker can close at the earliest: trials that succeed follow each other after SuspectPeriod.
func (r region) closesAt() time.Time {
	return r.OpenUntil.Add(time.Duration(r.Breaker.SuccessThreshold-1) * r.Probe.SuspectPeriod)
}

// threshold is how many failures in a row open the breaker, as far as the status tells.
func (f *facts) threshold(r region) int {
	for _, s := range f.backend.Status.Regions {
		if s.Name == r.name && s.Breaker.EffectiveFailureThreshold > 0 {
			return int(s.Breaker.EffectiveFailureThreshold)
		}
	}
	return r.Breaker.FailureThreshold
}

func names(regions []region) string {
	var all []string
	for _, r := range regions {
		all = append(all, r.name)
	}
	return strings.Join(all, ", ")
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
