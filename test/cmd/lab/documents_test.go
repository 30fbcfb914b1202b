// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/breakwater-dev/breakwater/test/documents"
)

// document is commands that a page tells people to run.
type document struct {
	name   string // page and line
	page   string // empty for a command that needs nothing of the others
	script string // the file with the commands; what it prints is beside it
}

// prologue has what the commands of each page find: the LLMBackend chat as it is
// in the lab, on its primary, with all regions healthy.
const prologue = `
cd %q
restore() {
  for name in us-east eu-west ap-south; do region $name healthy; done &&
  kubectl replace -f test/cmd/internal/playground/sample.yaml &&
  kubectl annotate llmb chat --overwrite llm.breakwater.dev/reset=$1 &&
  kubectl wait --for=jsonpath={.status.lastHandledReset}=$1 llmb/chat --timeout=60s &&
  kubectl wait --for=condition=Ready llmb/chat --timeout=60s
}
`

// oneDocument runs one of them. What follows on a page after one that failed is
// left out.
const oneDocument = `[ -e %[2]q ] || timeout 60 bash -euo pipefail %[1]q >%[1]q.out 2>&1 </dev/null ||
  { echo "exit code $?" >>%[1]q.out; touch %[1]q.failed %[2]q; }
`

// collect writes what the documents tell people to run into a folder, and
// returns it with the shell script that does it.
func collect(t *testing.T, root, dir string) (all []document, script string) {
	t.Helper()
	pages, err := documents.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	add := func(d document, commands string) {
		d.script = filepath.Join(dir, fmt.Sprintf("%d.sh", len(all)))
		if err := os.WriteFile(d.script, []byte(commands), 0o600); err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	for _, p := range pages {
		for _, b := range p.Blocks {
			if b.HoldsCommands() && b.NotRun == "" {
				add(document{name: fmt.Sprintf("%s:%d", p.Path, b.Line), page: p.Path}, b.Commands())
			}
		}
	}
	said := map[string]bool{}
	for _, p := range pages {
		for _, c := range p.Code {
			if command := inText(c.Text); command != "" && !said[command] {
				said[command] = true
				add(document{name: fmt.Sprintf("%s:%d", p.Path, c.Line)}, command+"\n")
			}
		}
	}
	return all, runAll(root, dir, all)
}

func runAll(root, dir string, all []document) (script string) {
	var out strings.Builder
	fmt.Fprintf(&out, prologue, root)
	before := ""
	for i, d := range all {
		stop := filepath.Join(dir, strings.ReplaceAll(d.page, "/", "-")+".stop")
		if d.page == "" {
			stop = d.script + ".stop"
		} else if d.page != before {
			fmt.Fprintf(&out, "restore documents-%d >%[2]q 2>&1 || { cat %[2]q; touch %[3]q; }\n", i, d.script+".restored", stop)
			before = d.page
		}
		fmt.Fprintf(&out, oneDocument, d.script, stop)
	}
	return out.String()
}

// looking is a command that changes nothing, and names nothing that a reader has
// to fill in.
var looking = regexp.MustCompile(`^kubectl (get|describe|explain|breakwater \S+ --help)\b[^<…]*$`)

var subcommand = regexp.MustCompile(`^kubectl breakwater ([a-z]+)\b`)

// inText returns what to run to see that a command in the text is right: itself,
// if it only looks, and the help of a command of the plugin.
func inText(code string) string {
	if found := subcommand.FindStringSubmatch(code); found != nil {
		return "kubectl breakwater " + found[1] + " --help"
	}
	if looking.MatchString(code) {
		return code
	}
	return ""
}

// want says which commands failed, and what they printed.
func (d document) want(t *testing.T) {
	if _, err := os.Stat(d.script + ".failed"); err == nil {
		output, _ := os.ReadFile(d.script + ".out")
		t.Errorf("%s", output)
	} else if _, err := os.Stat(d.script + ".out"); err != nil {
		t.Error("not run, because what comes before it failed")
	}
}
