// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package invariant

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The page for people has the sentences of the code, in its order, and no other.
func TestRulesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/invariants.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n## The rules\n")
	if !found {
		t.Fatal("docs/invariants.md has no section \"The rules\"")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var documented []Rule
	for line := range strings.Lines(section) {
		if sentence, ok := strings.CutPrefix(strings.TrimSpace(line), "- "); ok {
			documented = append(documented, Rule(sentence))
		}
	}
	if diff := cmp.Diff(Rules(), documented); diff != "" {
		t.Errorf("docs/invariants.md (-code +page):\n%s", diff)
	}
}
