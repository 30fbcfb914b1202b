// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const examples = "../../examples/scenarios"

// TestExamples: what the examples expect holds, and a second run gives the same transcript.
func TestExamples(t *testing.T) {
	files, err := Files([]string{examples})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 7 {
		t.Errorf("%d scenarios in %s, want at least 7", len(files), examples)
	}
	loader := newLoader(t)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			s, err := loader.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			first := play(t, s)
			for _, f := range first.Failures {
				t.Error(f.Describe(file))
			}
			if first.Expected == 0 {
				t.Error("it expects nothing")
			}
			if diff := cmp.Diff(first, play(t, s)); diff != "" {
				t.Errorf("the second run differs (-first +second):\n%s", diff)
			}
		})
	}
}

func newLoader(tb testing.TB) *Loader {
	tb.Helper()
	l, err := NewLoader()
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func play(tb testing.TB, s *Scenario) *Result {
	tb.Helper()
	r, err := Run(s)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}
