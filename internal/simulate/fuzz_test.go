// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzLoad: a file that is no scenario is refused with a line, and nothing else happens.
func FuzzLoad(f *testing.F) {
	examples, err := filepath.Glob("../../examples/scenarios/*.yaml")
	if err != nil || len(examples) == 0 {
		f.Fatalf("no examples: %v", err)
	}
	for _, example := range examples {
		text, err := os.ReadFile(example)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, seed := range []string{
		"", "- a", "a: [", "backend: &a [*a]", "backend: {}\nduration: 1m", "duration: -1s\nbackend: x",
		"backend: {spec: {primary: {name: \"\\0\"}}}\nduration: 1m\ntimeline: [{at: 1s, restart: true}]",
	} {
		f.Add([]byte(seed))
	}
	loader, err := NewLoader()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(t.TempDir(), "scenario.yaml")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		scenario, err := loader.Load(file)
		if scenario == nil && err == nil {
			t.Error("neither a scenario nor an error")
		}
		if failed, ok := errors.AsType[*FileError](err); ok && failed.Line < 1 {
			t.Errorf("line %d of: %v", failed.Line, err)
		}
	})
}
