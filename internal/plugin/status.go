// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/explain"
)

// statusText draws the picture of one LLMBackend for people. Wide adds endpoints, and who has seen failures.
func statusText(p *explain.Picture, now time.Time, wide, colours bool) string {
	paint := painter{colours}
	return paragraphs(
		paint.paint(cell{p.Namespace + "/" + p.Name, bold})+"\n",
		paint.section(append(topOf(p, now), causes(p.Why, now)...)),
		paint.table("", regionRows(p, now, wide)),
		paint.section(nextRows(p, now)),
		paint.section(conditionRows(p.Attention)),
	)
}

// paragraphs joins the parts that say something, with an empty line between them.
func paragraphs(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "\n")
}

func topOf(p *explain.Picture, now time.Time) [][]cell {
	rows := [][]cell{{text("Traffic"), text(trafficOf(p, now))}}
	ready := cell{fmt.Sprintf("%s (%s)", p.Ready.Status, p.Ready.Reason), readyStyle(p)}
	if p.Ready.Status != metav1.ConditionTrue {
		ready.text += ": " + p.Ready.Message
	}
	rows = append(rows, []cell{text("Ready"), ready})
	if p.Mode != llmv1alpha1.FailoverAutomatic {
		rows = append(rows, []cell{text("Mode"), {string(p.Mode), warn}})
	}
	switch {
	case !p.PausedUntil.IsZero():
		rows = append(rows, []cell{text("Paused"), {fmt.Sprintf("until %s (%s)", p.PausedUntil.Format(time.RFC3339), until(now, p.PausedUntil)), warn}})
	case p.Paused:
		rows = append(rows, []cell{text("Paused"), {"until somebody ends it", warn}})
	}
	if p.PinnedRegion != "" {
		rows = append(rows, []cell{text("Pinned"), {p.PinnedRegion, warn}})
	}
	return rows
}

func trafficOf(p *explain.Picture, now time.Time) string {
	if p.ActiveRegion == "" {
		return "goes nowhere yet"
	}
	s := fmt.Sprintf("%s (%s) for %s", p.ActiveRegion, p.ActiveEndpoint, ago(now, p.ActiveSince))
	if !p.Published {
		s += ", not published yet"
	}
	return s
}

func readyStyle(p *explain.Picture) style {
	switch {
	case p.Ready.Status == metav1.ConditionTrue && p.ActiveRegion == p.PrimaryRegion:
		return good
	case p.Ready.Status == metav1.ConditionTrue:
		return warn
	default:
		return bad
	}
}

func causes(why []explain.Cause, now time.Time) [][]cell {
	var rows [][]cell
	for i, c := range why {
		title, message := "", c.Message
		if i == 0 {
			title = "Why"
		}
		if c.Seq > 0 {
			message = fmt.Sprintf("#%d %s", c.Seq, c.Message)
		}
		rows = append(rows, []cell{text(title), text(ago(now, c.Time) + " ago: " + message)})
	}
	return rows
}

func regionRows(p *explain.Picture, now time.Time, wide bool) [][]cell {
	titles := header("  REGION", "ROLE", "BREAKER", "SINCE", "REASON", "NEXT TRIAL")
	if wide {
		titles = append(titles, header("SEEN BY", "ENDPOINT")...)
	}
	rows := [][]cell{titles}
	for _, r := range p.Regions {
		name := text("  " + r.Name)
		if r.Active {
			name = cell{"* " + r.Name, bold}
		}
		row := []cell{name, text(string(r.Role)), breakerCell(r), text(ago(now, r.Since)), text(reasonOf(r)), text(triedAt(r, now))}
		if wide {
			row = append(row, text(string(r.OpenedBy)), text(r.Endpoint))
		}
		rows = append(rows, row)
	}
	return rows
}

func breakerCell(r explain.Region) cell {
	switch r.Breaker {
	case llmv1alpha1.BreakerOpen:
		return cell{string(r.Breaker), bad}
	case llmv1alpha1.BreakerClosed:
		return cell{string(r.Breaker), good}
	default:
		return cell{"Unknown", faint}
	}
}

func reasonOf(r explain.Region) string {
	if r.Unfit {
		return strings.TrimPrefix(r.Reason+", unusable endpoint", ", ")
	}
	return r.Reason
}

func triedAt(r explain.Region, now time.Time) string {
	if r.Breaker != llmv1alpha1.BreakerOpen {
		return ""
	}
	return until(now, r.TriedAt)
}

func nextRows(p *explain.Picture, now time.Time) [][]cell {
	var rows [][]cell
	for i, s := range p.Next {
		title := ""
		if i == 0 {
			title = "Next"
		}
		rows = append(rows, []cell{text(title), whenCell(s, now), text(s.Message)})
	}
	return rows
}

func whenCell(s explain.Step, now time.Time) cell {
	switch s.When {
	case explain.Now:
		return cell{"now", bold}
	case explain.AtTime:
		return text(until(now, s.At))
	case explain.OnEvent:
	}
	return cell{"-", faint}
}

func conditionRows(conditions []explain.Condition) [][]cell {
	var rows [][]cell
	for i, c := range conditions {
		title := ""
		if i == 0 {
			title = "Attention"
		}
		rows = append(rows, []cell{text(title), {nameOf(c), warn}, text(c.Message)})
	}
	return rows
}

// nameOf is a condition in short: its type, and its reason where that says more.
func nameOf(c explain.Condition) string {
	if c.Status == metav1.ConditionTrue {
		return fmt.Sprintf("%s (%s)", c.Type, c.Reason)
	}
	return fmt.Sprintf("%s=%s (%s)", c.Type, c.Status, c.Reason)
}

// listText draws one line for each LLMBackend. Without headers it is a continuation.
func listText(pictures []*explain.Picture, now time.Time, namespaces, wide, headers, colours bool) string {
	var rows [][]cell
	if headers {
		titles := []string{"NAME", "ACTIVE", "SINCE", "READY", "FAILING", "NEXT"}
		if namespaces {
			titles = slices.Insert(titles, 0, "NAMESPACE")
		}
		if wide {
			titles = append(titles, "MODE", "SEQ", "ENDPOINT")
		}
		rows = append(rows, header(titles...))
	}
	for _, p := range pictures {
		row := []cell{text(p.Name), {p.ActiveRegion, bold}, text(ago(now, p.ActiveSince)), {p.Ready.Reason, readyStyle(p)}, {failing(p), bad}, text(soonest(p, now))}
		if namespaces {
			row = slices.Insert(row, 0, text(p.Namespace))
		}
		if wide {
			row = append(row, text(string(p.Mode)), text(fmt.Sprint(p.TransitionSeq)), text(p.ActiveEndpoint))
		}
		rows = append(rows, row)
	}
	return painter{colours}.table("", rows)
}

func failing(p *explain.Picture) string {
	var names []string
	for _, r := range p.Regions {
		if r.Breaker == llmv1alpha1.BreakerOpen {
			names = append(names, r.Name)
		}
	}
	return strings.Join(names, ",")
}

// soonest is the first step that does not wait for something else.
func soonest(p *explain.Picture, now time.Time) string {
	if len(p.Next) == 0 || p.Next[0].When == explain.OnEvent {
		return ""
	}
	return whenCell(p.Next[0], now).text + ": " + p.Next[0].Message
}
