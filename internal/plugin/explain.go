// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/breakwater-dev/breakwater/internal/explain"
)

// ShowExplanation tells why traffic of an LLMBackend is where it is, and what it would take to move it.
func (c *Cluster) ShowExplanation(ctx context.Context, name string, f Format, out io.Writer) error {
	b, err := c.Get(ctx, name)
	if err != nil {
		return err
	}
	now := time.Now()
	e, err := explain.Explain(b, now)
	if err != nil {
		return err
	}
	return f.write(out, e, func() string { return explanationText(e, now, coloured(out)) })
}

// explanationText writes an explanation for people.
func explanationText(e *explain.Explanation, now time.Time, colours bool) string {
	paint := painter{colours}
	where := "traffic goes nowhere yet"
	if e.ActiveRegion != "" {
		where = "traffic goes to " + e.ActiveRegion
	}
	rows := causes(e.Why, now)
	if e.Stays != "" {
		rows = append(rows, []cell{text("Stays"), text(e.Stays)})
	}
	parts := []string{
		paint.paint(cell{e.Namespace + "/" + e.Name + ": " + where, bold}) + "\n",
		paint.section(rows),
	}
	for _, m := range e.Moves {
		parts = append(parts, paint.paint(cell{"To move it to " + m.Region, bold})+"\n"+paint.table("  ", moveRows(m, now)))
	}
	return paragraphs(append(parts, paint.section(conditionRows(e.Attention)))...)
}

func moveRows(m explain.Move, now time.Time) [][]cell {
	var rows [][]cell
	titled := func(title string, i int) cell {
		if i > 0 {
			title = ""
		}
		return text(title)
	}
	for i, n := range m.Needs {
		message := n.Message
		if !n.At.IsZero() {
			message = fmt.Sprintf("%s (%s)", message, until(now, n.At))
		}
		rows = append(rows, []cell{titled("by itself", i), text(message)})
	}
	for i, way := range m.ByHand {
		rows = append(rows, []cell{titled("by hand", i), text(way)})
	}
	return rows
}
