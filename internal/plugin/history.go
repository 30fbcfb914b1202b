// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// History is the decision log of one LLMBackend. Its JSON is part of the interface of the plugin.
type History struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Transitions are oldest first: what the status has kept.
	Transitions []llmv1alpha1.Transition `json:"transitions"`
}

// ShowHistory shows the decision log of an LLMBackend; with follow also what comes, until ctx ends.
func (c *Cluster) ShowHistory(ctx context.Context, name string, f Format, follow bool, out io.Writer) error {
	b, err := c.Get(ctx, name)
	if err != nil {
		return err
	}
	shown := historyOf(b, 0)
	write := func(h *History, first bool) error {
		return f.write(out, h, func() string { return h.text(time.Now(), f == Wide, first, coloured(out)) })
	}
	if err := write(shown, true); err != nil || !follow {
		return err
	}
	newest := shown.newest()
	return c.Watch(ctx, Selection{Name: name}, 0, func(_, changed []*llmv1alpha1.LLMBackend) error {
		for _, b := range changed {
			h := historyOf(b, newest)
			if len(h.Transitions) == 0 {
				continue
			}
			newest = h.newest()
			if err := write(h, false); err != nil {
				return err
			}
		}
		return nil
	})
}

// historyOf returns the decision log of b after the transition with that number; 0 for all that the status has kept.
func historyOf(b *llmv1alpha1.LLMBackend, after int64) *History {
	h := &History{Namespace: b.Namespace, Name: b.Name, Transitions: []llmv1alpha1.Transition{}}
	for _, t := range slices.Backward(b.Status.History) {
		if t.Seq > after {
			h.Transitions = append(h.Transitions, t)
		}
	}
	return h
}

// newest is the number of the newest transition; 0 if there is none.
func (h *History) newest() int64 {
	if len(h.Transitions) == 0 {
		return 0
	}
	return h.Transitions[len(h.Transitions)-1].Seq
}

// text draws one line for each transition. Wide adds the message and the exact time. Without headers it is a
// continuation.
func (h *History) text(now time.Time, wide, headers, colours bool) string {
	var rows [][]cell
	if headers && len(h.Transitions) == 0 {
		return "There are no transitions yet.\n"
	}
	if headers {
		titles := []string{"SEQ", "AGE", "TYPE", "REGION", "REASON"}
		if wide {
			titles = append(titles, "TIME", "MESSAGE")
		}
		rows = append(rows, header(titles...))
	}
	for _, t := range h.Transitions {
		row := []cell{text(fmt.Sprint(t.Seq)), text(ago(now, t.Time.Time)), {string(t.Type), styleOf(t.Type)}, text(aboutOf(t)), text(t.Reason)}
		if wide {
			row = append(row, text(t.Time.UTC().Format(time.RFC3339)), text(t.Message))
		}
		rows = append(rows, row)
	}
	return painter{colours}.table("", rows)
}

func aboutOf(t llmv1alpha1.Transition) string {
	if t.Region != "" {
		return t.Region
	}
	return t.From + " -> " + t.To
}

func styleOf(t llmv1alpha1.TransitionType) style {
	switch t {
	case llmv1alpha1.TransitionBreakerOpened, llmv1alpha1.TransitionFailedOver:
		return bad
	case llmv1alpha1.TransitionBreakerClosed, llmv1alpha1.TransitionFailedBack:
		return good
	default:
		return warn
	}
}
