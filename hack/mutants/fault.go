// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"sigs.k8s.io/yaml"
)

//go:embed faults/*.yaml
var lists embed.FS

// sections are the lists of faults, in the order in which they are tried, and what they break.
var sections = []struct{ list, title string }{
	{"breaker", "The breaker of a region"},
	{"decision", "The decision"},
	{"durable", "What is stored and published"},
}

// fault is a change of one file that breaks a rule.
type fault struct {
	Name string `json:"name"`
	// Breaks is the rule.
	Breaks string `json:"breaks"`
	// File is relative to the top of the tree.
	File string `json:"file"`
	// Old is in File exactly once, and New takes its place.
	Old string `json:"old"`
	New string `json:"new"`

	section string
}

// faults returns all faults in the order of the lists.
func faults() ([]fault, error) {
	var all []fault
	names := map[string]bool{}
	for _, s := range sections {
		data, err := lists.ReadFile(path.Join("faults", s.list+".yaml"))
		if err != nil {
			return nil, err
		}
		var list []fault
		if err := yaml.UnmarshalStrict(data, &list); err != nil {
			return nil, fmt.Errorf("%s.yaml: %w", s.list, err)
		}
		for _, f := range list {
			if f.Name == "" || f.Breaks == "" || f.File == "" || f.Old == "" || f.Old == f.New || names[f.Name] {
				return nil, fmt.Errorf("%s.yaml: fault %q needs a name of its own, breaks, file, old, and a new that differs", s.list, f.Name)
			}
			names[f.Name] = true
			f.section = s.list
			all = append(all, f)
		}
	}
	return all, nil
}

// in returns the text of its file with the fault in it.
func (f fault) in(text string) (string, error) {
	if n := strings.Count(text, f.Old); n != 1 {
		return "", fmt.Errorf("%s has the text to be replaced %d times, want once: bring the fault in line with the code", f.File, n)
	}
	return strings.Replace(text, f.Old, f.New, 1), nil
}
