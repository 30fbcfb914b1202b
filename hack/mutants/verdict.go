// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed"
	"fmt"
	"strings"
)

// verdict is what became of a fault.
type verdict struct {
	fault

	Caught bool `json:"caught"`
	// By is the package and the test that failed first.
	By      string  `json:"by,omitempty"`
	Seconds float64 `json:"seconds"`
}

func (v verdict) String() string {
	if !v.Caught {
		return "SURVIVED"
	}
	return "caught by " + v.By
}

//go:embed head.md
var head string

// document is docs/mutants.md.
func document(verdicts []verdict) string {
	var b strings.Builder
	caught := 0
	for _, v := range verdicts {
		if v.Caught {
			caught++
		}
	}
	fmt.Fprintf(&b, head, caught, len(verdicts))
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n| fault | breaks | caught by |\n|---|---|---|\n", s.title)
		for _, v := range verdicts {
			if v.section == s.list {
				b.WriteString(v.row())
			}
		}
	}
	return b.String()
}

func (v verdict) row() string {
	by := "**nothing**"
	if pkg, test, ok := strings.Cut(v.By, " "); ok {
		by = fmt.Sprintf("`%s` in `%s`", test, pkg)
	} else if v.Caught {
		by = "`" + v.By + "`"
	}
	return v.fault.row() + " " + by + " |\n"
}

// row is the part of the document that is known without a run.
func (f fault) row() string {
	return fmt.Sprintf("| %s | %s |", f.Name, f.Breaks)
}
