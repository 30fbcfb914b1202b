// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"strings"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/budget"
	"github.com/breakwater-dev/breakwater/internal/probe"
)

// completionsPerHour is the most completions of a ladder where no budget is set.
const completionsPerHour = 60

// Rung is a question that a probe asks after that of its target.
type Rung struct {
	Type        probe.Type
	Path, Model string
}

// Of returns the target that asks the question of t's endpoint.
func (r Rung) Of(t probe.Target) probe.Target {
	t.Type, t.Path, t.Model = r.Type, r.Path, r.Model
	t.Expect, t.Service = probe.Expect{}, ""
	return t
}

// Ladder returns what probes of a region ask beyond their type, in this order.
func Ladder(b *llmv1alpha1.LLMBackend, r llmv1alpha1.Region) []Rung {
	p, _ := effective(b, r)
	var rungs []Rung
	for _, l := range p.Ladder {
		kind := llmv1alpha1.ProbeType(l.Type)
		if kind == p.Type || p.Type == llmv1alpha1.ProbeOpenAICompletion {
			continue
		}
		rungs = append(rungs, Rung{probe.Type(kind), cmp.Or(l.Path, defaultPath(kind)), b.Spec.Model})
	}
	return rungs
}

// Budget returns what the probes of a region may spend, and whether they ask for completions at all.
func Budget(b *llmv1alpha1.LLMBackend, r llmv1alpha1.Region) (limits budget.Limits, billed bool) {
	p, _ := effective(b, r)
	limits = budget.Limits{CompletionsPerHour: -1, TokensPerDay: -1}
	billed = p.Type == llmv1alpha1.ProbeOpenAICompletion
	for _, rung := range Ladder(b, r) {
		if rung.Type == probe.OpenAICompletion {
			limits.CompletionsPerHour, billed = completionsPerHour, true
		}
	}
	if m := p.Budget.MaxCompletionsPerHour; m != nil {
		limits.CompletionsPerHour = int64(*m)
	}
	if m := p.Budget.MaxTokensPerDay; m != nil {
		limits.TokensPerDay = *m
	}
	return limits, billed
}

// ladderName names what is asked beyond the type, as part of an identity.
func ladderName(rungs []Rung) string {
	var names []string
	for _, r := range rungs {
		names = append(names, string(r.Type)+" "+r.Path+" "+r.Model)
	}
	return strings.Join(names, ", ")
}

// Spend reads what the probes of each region, by name, have spent.
func Spend(s *llmv1alpha1.LLMBackendStatus) map[string]budget.Spend {
	spend := map[string]budget.Spend{}
	for _, r := range s.Regions {
		if r.Spend != nil {
			spend[r.Name] = budget.Spend{Completions: spendRecord(r.Spend.Completions), Tokens: spendRecord(r.Spend.Tokens)}
		}
	}
	return spend
}

func spendRecord(r llmv1alpha1.SpendRecord) budget.Record {
	return budget.Record{Since: timeOf(r.Since), Spent: r.Spent, Reserved: r.Reserved}
}

// WriteSpend writes what the probes of each region have spent; what is missing has no limit.
func WriteSpend(s *llmv1alpha1.LLMBackendStatus, spend map[string]budget.Spend) {
	for i := range s.Regions {
		s.Regions[i].Spend = nil
		if of, ok := spend[s.Regions[i].Name]; ok {
			s.Regions[i].Spend = &llmv1alpha1.ProbeSpend{Completions: spentOf(of.Completions), Tokens: spentOf(of.Tokens)}
		}
	}
}

func spentOf(r budget.Record) llmv1alpha1.SpendRecord {
	return llmv1alpha1.SpendRecord{Since: microTime(r.Since), Spent: r.Spent, Reserved: r.Reserved}
}

// keepSpend has regions that are written anew say what was spent before.
func keepSpend(regions, before []llmv1alpha1.RegionStatus) {
	for i := range regions {
		for _, r := range before {
			if r.Name == regions[i].Name {
				regions[i].Spend = r.Spend
			}
		}
	}
}
