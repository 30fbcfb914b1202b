// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteTable writes the transitions of a result for people.
func (r *Result) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "AT\tSEQ\tTYPE\tREGION\tACTIVE\tREASON")
	for _, x := range r.Transitions {
		region := x.Region
		if x.From != "" {
			region = x.From + " -> " + x.To
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%s\t%s\n", x.At, x.Seq, x.Type, region, x.ActiveRegion, x.Reason)
	}
	return t.Flush()
}

// line is a transition as JSON. Its names are part of the interface.
type line struct {
	At           string `json:"at"`
	Seq          int64  `json:"seq"`
	Type         string `json:"type"`
	Region       string `json:"region"`
	From         string `json:"from"`
	To           string `json:"to"`
	ActiveRegion string `json:"activeRegion"`
	Reason       string `json:"reason"`
}

// WriteJSON writes one JSON object per transition and line.
func (r *Result) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	for _, x := range r.Transitions {
		if err := encoder.Encode(line{x.At.String(), x.Seq, x.Type, x.Region, x.From, x.To, x.ActiveRegion, x.Reason}); err != nil {
			return err
		}
	}
	return nil
}

// Describe says in which file and line which field was not as expected.
func (f Failure) Describe(file string) string {
	return fmt.Sprintf("%s:%d: at %s: %s: wanted %s, got %s", file, f.Line, f.At, f.Field, f.Want, f.Got)
}
