// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// Result is what became of an order.
type Result string

// The results. The first four of a switch are those of the status.
const (
	ResultSwitched          = Result(llmv1alpha1.SwitchSwitched)
	ResultPinned            = Result(llmv1alpha1.SwitchPinned)
	ResultReset      Result = "Reset"
	ResultPaused     Result = "Paused"
	ResultResumed    Result = "Resumed"
	ResultOvertaken  Result = "Overtaken"  // somebody gave another order before this one was carried out
	ResultRequested  Result = "Requested"  // not waited for
	ResultDryRun     Result = "DryRun"     // not given
	ResultUnanswered Result = "Unanswered" // not acknowledged in time
)

// Done says whether the order was carried out.
func (r Result) Done() bool {
	return slices.Contains([]Result{ResultSwitched, ResultPinned, ResultReset, ResultPaused, ResultResumed}, r)
}

// Order is what a person asks of an LLMBackend, by annotations.
type Order struct {
	// Name of the order, such as switch.
	Name string
	// To is the region of a switch.
	To string

	annotations map[string]string
	// answered returns what has become of the order; empty while that is open.
	answered func(*llmv1alpha1.LLMBackend) Result
	// check refuses what the operator would refuse.
	check func(*llmv1alpha1.LLMBackend) error
}

// token is the value of an order that was given at a time: one that there was not before.
func token(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

// Reset asks for the primary region at once, and for closed breakers.
func Reset(at time.Time) Order {
	t := token(at)
	return Order{
		Name:        "reset",
		annotations: map[string]string{llmv1alpha1.ResetAnnotation: t},
		answered: func(b *llmv1alpha1.LLMBackend) Result {
			switch {
			case b.Status.LastHandledReset == t && published(b):
				return ResultReset
			case b.Status.LastHandledReset != t && b.Annotations[llmv1alpha1.ResetAnnotation] != t:
				return ResultOvertaken
			default:
				return ""
			}
		},
	}
}

// Switch asks for a region.
func Switch(to string, at time.Time) Order {
	t := token(at)
	return Order{
		Name: "switch", To: to,
		annotations: map[string]string{llmv1alpha1.SwitchToAnnotation: to, llmv1alpha1.SwitchRequestedAtAnnotation: t},
		answered: func(b *llmv1alpha1.LLMBackend) Result {
			result := b.Status.LastSwitchResult
			switch {
			case b.Status.LastHandledSwitch != t && b.Annotations[llmv1alpha1.SwitchRequestedAtAnnotation] != t:
				return ResultOvertaken
			case b.Status.LastHandledSwitch != t, result == llmv1alpha1.SwitchSwitched && !published(b):
				return ""
			default:
				return Result(result)
			}
		},
		check: func(b *llmv1alpha1.LLMBackend) error { return CheckRegion(b, to) },
	}
}

// Pause asks that nothing moves, until a time or, if that is zero, until somebody ends it.
func Pause(end time.Time) Order {
	value, reason := "true", llmv1alpha1.ReasonPausedByAnnotation
	if !end.IsZero() {
		value, reason = end.UTC().Format(time.RFC3339), llmv1alpha1.ReasonPausedUntil
	}
	return Order{
		Name:        "pause",
		annotations: map[string]string{llmv1alpha1.PausedAnnotation: value},
		answered: func(b *llmv1alpha1.LLMBackend) Result {
			c := meta.FindStatusCondition(b.Status.Conditions, llmv1alpha1.ConditionPaused)
			switch {
			case b.Annotations[llmv1alpha1.PausedAnnotation] != value:
				return ResultOvertaken
			case c != nil && c.Reason == reason && (end.IsZero() || strings.HasSuffix(c.Message, value)):
				return ResultPaused
			default:
				return ""
			}
		},
	}
}

// Resume ends a pause. The annotation stays, as all orders do.
func Resume() Order {
	return Order{
		Name:        "resume",
		annotations: map[string]string{llmv1alpha1.PausedAnnotation: "false"},
		answered: func(b *llmv1alpha1.LLMBackend) Result {
			switch {
			case b.Annotations[llmv1alpha1.PausedAnnotation] != "false":
				return ResultOvertaken
			case meta.FindStatusCondition(b.Status.Conditions, llmv1alpha1.ConditionPaused) == nil:
				return ResultResumed
			default:
				return ""
			}
		},
	}
}

// published says whether the EndpointSlices show the newest decision.
func published(b *llmv1alpha1.LLMBackend) bool {
	return b.Status.PublishedSeq != nil && *b.Status.PublishedSeq == b.Status.ActiveSeq
}

// CheckRegion returns an error that names the regions of b if it has none of that name.
func CheckRegion(b *llmv1alpha1.LLMBackend, name string) error {
	names := RegionNames(b)
	if slices.Contains(names, name) {
		return nil
	}
	return fmt.Errorf("LLMBackend %s has no region %q: write one of %s", b.Name, name, strings.Join(names, ", "))
}

// RegionNames returns the regions of b in order of preference.
func RegionNames(b *llmv1alpha1.LLMBackend) []string {
	var names []string
	for _, r := range translate.Regions(b) {
		names = append(names, r.Name)
	}
	return names
}
