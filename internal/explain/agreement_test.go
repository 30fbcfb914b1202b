// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// The decision itself is asked whether it does what is told here. In mode OnDemand it makes no probe and does not
// wake for anything else, so that both must name the same time and the same regions.
func TestNextAgreesWithTheDecision(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := backend(t, drawn(r))
		p, err := Describe(b, epoch)
		if err != nil {
			r.Fatal(err)
		}
		in, _, err := translate.Input(b, nil, epoch)
		if err != nil {
			r.Fatal(err)
		}
		var machine failover.Machine
		machine.Observe(epoch, in)
		probes, next := machine.Poll(epoch, nil)

		if diff := cmp.Diff(toldProbes(p), asked(probes)); diff != "" {
			r.Errorf("regions that are asked now (-told +asked):\n%s", diff)
		}
		if told, steady := earliest(p); steady && !told.Equal(next.Wake) {
			r.Errorf("told for %s, but decided for %s: %v", told, next.Wake, p.Next)
		}
	})
}

// Where all regions answer from now on, traffic goes back at the very time that is told; never earlier, and later only
// where trials are under way of which nobody but the operator knows how many have succeeded.
func TestFailbackComesWhenTold(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := backend(t, drawn(r), mode(llmv1alpha1.FailoverAutomatic))
		p, err := Describe(b, epoch)
		if err != nil {
			r.Fatal(err)
		}
		if told := firstFailback(p); !told.IsZero() {
			trying := slices.ContainsFunc(p.Next, func(s Step) bool { return s.When == Now && s.Event == EventTrial })
			if at := playFailback(r, b); at.Before(told) || !at.Equal(told) && !trying {
				r.Errorf("traffic went back at %s, told was %s: %v", at, told, p.Next)
			}
		}
	})
}

// firstFailback is the first time for which a failback is told; zero if none is.
func firstFailback(p *Picture) (first time.Time) {
	for _, s := range p.Next {
		at := s.At
		if s.When == Now {
			at = epoch
		}
		if s.Event == EventFailback && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// playFailback answers every probe well, and returns when traffic goes back.
func playFailback(r *rapid.T, b *llmv1alpha1.LLMBackend) time.Time {
	in, _, err := translate.Input(b, nil, epoch)
	if err != nil {
		r.Fatal(err)
	}
	var machine failover.Machine
	machine.Observe(epoch, in)
	for at := epoch; ; {
		probes, next := machine.Poll(at, nil)
		for _, p := range probes {
			machine.ProbeDone(at, p.ID, at, failover.Outcome{Class: failover.Success})
		}
		if len(probes) > 0 {
			continue
		}
		if next.Plan {
			plan := machine.Plan(at)
			machine.Settle(plan)
			for _, t := range plan.Transitions {
				if t.Type == failover.FailedBack {
					return t.Time
				}
			}
			continue
		}
		if next.Wake.IsZero() {
			r.Fatalf("traffic never went back, active since %s", in.Record.ActiveSince)
		}
		at = next.Wake
	}
}

// drawn draws a spec and a status.
func drawn(r *rapid.T) edit {
	seconds := func(name string, low, high int) time.Duration {
		return time.Duration(rapid.IntRange(low, high).Draw(r, name)) * time.Second
	}
	return func(b *llmv1alpha1.LLMBackend) {
		b.Spec.Probe.Mode = llmv1alpha1.ProbeOnDemand
		b.Spec.Probe.SuccessThreshold = int32(rapid.IntRange(1, 3).Draw(r, "success threshold"))
		mode(rapid.SampledFrom([]llmv1alpha1.FailoverMode{"Automatic", "Observe", "Disabled"}).Draw(r, "mode"))(b)
		if rapid.Bool().Draw(r, "manual failback") {
			manualFailback(b)
		}
		active(rapid.SampledFrom([]string{"us-east", "eu-west", "local", "gone"}).Draw(r, "active"), seconds("since", -5, 60))(b)
		for _, name := range []string{"us-east", "eu-west", "local"} {
			if rapid.Bool().Draw(r, name+" is open") {
				open(name, seconds("until", -5, 55))(b)
			}
		}
		i := slices.IndexFunc(b.Status.Regions, func(s llmv1alpha1.RegionStatus) bool { return s.Name == b.Status.ActiveRegion })
		if i >= 0 && b.Status.Regions[i].Breaker.State == llmv1alpha1.BreakerClosed && rapid.Bool().Draw(r, "pinned") {
			pinned(b)
		}
		if rapid.Bool().Draw(r, "limited") {
			b.Spec.Failover.MaxPerHour = int32(rapid.IntRange(1, 2).Draw(r, "maxPerHour"))
			for range 2 {
				ended := epoch.Add(seconds("limit", -5, 60))
				b.Status.History = append(b.Status.History, llmv1alpha1.Transition{
					Seq: 1, Type: llmv1alpha1.TransitionFailedOver, From: "us-east", To: "us-east", Time: metav1.NewMicroTime(ended.Add(-time.Hour)),
				})
			}
		}
		switch rapid.IntRange(0, 3).Draw(r, "pause") {
		case 0:
			annotated(llmv1alpha1.PausedAnnotation, "true")(b)
		case 1:
			annotated(llmv1alpha1.PausedAnnotation, epoch.Add(seconds("pause", -5, 60)).Format(time.RFC3339))(b)
		}
	}
}

// toldProbes are the regions that are asked at this moment according to the picture.
func toldProbes(p *Picture) []string {
	asked := map[string]bool{}
	for _, s := range p.Next {
		switch {
		case s.When != Now:
		case s.Region != "":
			asked[s.Region] = true
		case s.Event == EventFailover || s.Event == EventReport:
			closed := func(r Region) bool { return !r.Active && r.Breaker == llmv1alpha1.BreakerClosed }
			for _, r := range p.Regions {
				if closed(r) || !r.Active && !slices.ContainsFunc(p.Regions, closed) {
					asked[r.Name] = true
				}
			}
		}
	}
	return sorted(asked)
}

func asked(probes []failover.Probe) []string {
	regions := map[string]bool{}
	for _, p := range probes {
		regions[p.Region] = true
	}
	return sorted(regions)
}

func sorted(set map[string]bool) []string {
	var all []string
	for name := range set {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// earliest is the first time that the picture names, and whether nothing is under way but trials. A failback to a
// region that is open waits for an answer, and not for its time alone.
func earliest(p *Picture) (at time.Time, steady bool) {
	open := map[string]bool{}
	for _, r := range p.Regions {
		open[r.Name] = r.Breaker == llmv1alpha1.BreakerOpen
	}
	steady = true
	for _, s := range p.Next {
		switch {
		case s.Event != EventTrial && open[s.Region]:
		case s.When == Now && s.Event != EventTrial:
			steady = false
		case s.When == AtTime && (at.IsZero() || s.At.Before(at)):
			at = s.At
		}
	}
	return at, steady
}
