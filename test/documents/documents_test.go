// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package documents

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-dev/breakwater/test/lab"
)

func read(t *testing.T) (root string, pages []Page) {
	t.Helper()
	root, err := lab.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	if pages, err = Read(root); err != nil {
		t.Fatal(err)
	}
	if len(pages) < 10 {
		t.Fatalf("only %d pages", len(pages))
	}
	return root, pages
}

// What a page links to is there, and so is the heading.
func TestLinks(t *testing.T) {
	root, pages := read(t)
	anchors := map[string][]string{}
	for _, p := range pages {
		anchors[p.Path] = p.Anchors
	}
	for _, p := range pages {
		for _, l := range p.Links {
			if strings.Contains(l.Target, "://") {
				continue
			}
			target, anchor, _ := strings.Cut(l.Target, "#")
			path := p.Path
			if target != "" {
				path = filepath.Join(filepath.Dir(p.Path), target)
			}
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s:%d: %s: %v", p.Path, l.Line, l.Target, err)
			} else if anchor != "" && !slices.Contains(anchors[path], anchor) {
				t.Errorf("%s:%d: %s: %s has no such heading", p.Path, l.Line, l.Target, path)
			}
		}
	}
}

// docs/README.md names every page in docs, and folders by their own README.
func TestIndex(t *testing.T) {
	_, pages := read(t)
	var linked []string
	for _, p := range pages {
		if p.Path == "README.md" || filepath.Base(p.Path) == "README.md" && strings.HasPrefix(p.Path, "docs/") {
			for _, l := range p.Links {
				target, _, _ := strings.Cut(l.Target, "#")
				linked = append(linked, filepath.Join(filepath.Dir(p.Path), target))
			}
		}
	}
	for _, p := range pages {
		if strings.HasPrefix(p.Path, "docs/") && !slices.Contains(linked, p.Path) {
			t.Errorf("%s is in no index: link it in %s", p.Path, filepath.Join(filepath.Dir(p.Path), "README.md"))
		}
	}
}

// Every block says what it holds, so that no command escapes the test that runs
// them.
func TestBlocks(t *testing.T) {
	_, pages := read(t)
	others := []string{"go", "json", "mermaid", "promql", "python", "text", "yaml"}
	for _, p := range pages {
		for _, b := range p.Blocks {
			switch {
			case b.HoldsCommands() && strings.TrimSpace(b.Commands()) == "":
				t.Errorf("%s:%d: no command: in a %s block commands begin with %q", p.Path, b.Line, Console, prompt)
			case !b.HoldsCommands() && !slices.Contains(others, b.Language):
				t.Errorf("%s:%d: language %q: use sh or console for commands, or one of %v", p.Path, b.Line, b.Language, others)
			}
		}
	}
}

// Targets of make that are named exist.
func TestMakeTargets(t *testing.T) {
	root, pages := read(t)
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	target := regexp.MustCompile(`(?m)(?:^|\s)make ([a-z][a-z0-9-]*)`)
	want := func(page string, line int, text string) {
		for _, found := range target.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(string(makefile), "\n"+found[1]+":") {
				t.Errorf("%s:%d: there is no target %q", page, line, found[1])
			}
		}
	}
	for _, p := range pages {
		for _, c := range p.Code {
			want(p.Path, c.Line, c.Text)
		}
		for _, b := range p.Blocks {
			if b.HoldsCommands() {
				want(p.Path, b.Line, b.Commands())
			}
		}
	}
}

func TestParse(t *testing.T) {
	const page = "# A `b`, c [d](e.md)\n" +
		"<!-- not run: because -->\n" +
		"\n" +
		"```console\n$ one \\\n  two\nprinted\n$ three\n```\n" +
		"`x` [y](z.md#w) `[n](o)`\n" +
		"1. Item\n   ```sh\n   four\n   ```\n"
	want := Page{
		Path: "p.md",
		Blocks: []Block{
			{4, "console", "$ one \\\n  two\nprinted\n$ three\n", "because"},
			{12, "sh", "four\n", ""},
		},
		Links:   []Link{{1, "e.md"}, {10, "z.md#w"}},
		Code:    []Code{{1, "b"}, {10, "x"}, {10, "[n](o)"}},
		Anchors: []string{"a-b-c-d"},
	}
	got := parse("p.md", page)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("one \\\n  two\nthree\n", got.Blocks[0].Commands()); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}
