// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
	"k8s.io/apimachinery/pkg/util/duration"
)

// terminal says whether w is one, for what is drawn in place.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// coloured says whether to write colours to w: on a terminal that can show them, unless NO_COLOR is set
// (https://no-color.org).
func coloured(w io.Writer) bool {
	return terminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// style is how a text is shown, as SGR parameter.
type style string

const (
	plain style = ""
	bold  style = "1"
	faint style = "2"
	bad   style = "31"
	good  style = "32"
	warn  style = "33"
)

// cell is a text of a table.
type cell struct {
	text  string
	style style
}

// painter writes text with or without colours.
type painter struct{ coloured bool }

func (p painter) paint(c cell) string {
	if !p.coloured || c.style == plain || c.text == "" {
		return c.text
	}
	return "\x1b[" + string(c.style) + "m" + c.text + "\x1b[0m"
}

// section returns rows of which the first cell is a title, which are aligned with those of other sections.
func (p painter) section(rows [][]cell) string {
	return p.aligned("", rows, map[int]int{0: len("Attention")})
}

// table returns rows with their columns aligned, each line indented.
func (p painter) table(indent string, rows [][]cell) string {
	return p.aligned(indent, rows, map[int]int{})
}

// aligned leaves three spaces between columns, which have these widths at least, and none at the end of a line.
func (p painter) aligned(indent string, rows [][]cell, widths map[int]int) string {
	for _, row := range rows {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	var out strings.Builder
	for _, row := range rows {
		last := len(row) - 1
		for last > 0 && row[last].text == "" {
			last--
		}
		out.WriteString(indent)
		for i, c := range row[:last+1] {
			out.WriteString(p.paint(c))
			if i < last {
				out.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+3))
			}
		}
		out.WriteString("\n")
	}
	return out.String()
}

func text(s string) cell { return cell{text: s} }

// header is the first row of a table.
func header(titles ...string) []cell {
	var row []cell
	for _, t := range titles {
		row = append(row, cell{t, faint})
	}
	return row
}

// ago is how long before now t was, as kubectl shows ages; empty for no time.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return duration.HumanDuration(max(now.Sub(t), 0))
}

// until is how long after now t is. What is left of a second counts, so that nothing is told to be due that is not.
func until(now, t time.Time) string {
	left := t.Sub(now)
	if left <= 0 {
		return "now"
	}
	return "in " + duration.HumanDuration(left.Truncate(time.Second)+ceil(left%time.Second))
}

func ceil(part time.Duration) time.Duration {
	if part > 0 {
		return time.Second
	}
	return 0
}
