// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/breakwater-dev/breakwater/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }

// TestLab does in the lab's shell what its welcome tells a person to try, and
// then what the documents tell people to run.
func TestLab(t *testing.T) {
	t.Setenv("SHELL", "/bin/sh")
	const commands = `
try() {
  set -e
  kubectl wait --for=condition=Ready llmb/chat --timeout=60s
  region us-east status 503
  kubectl wait --for=jsonpath={.status.activeRegion}=eu-west llmb/chat --timeout=60s
  region us-east healthy
  kubectl annotate llmb chat --overwrite llm.breakwater.dev/reset=$(date +%s)
  kubectl wait --for=jsonpath={.status.activeRegion}=us-east llmb/chat --timeout=60s
  region
  kubectl get endpointslices
  echo that was it
}
(try)
`
	root, err := lab.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	documents, script := collect(t, root, t.TempDir())
	var out strings.Builder
	if err := run(t.Context(), strings.NewReader(commands+script), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Things to try", "status 503", "chat-breakwater-ipv4", "that was it\n", "client"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
	for _, d := range documents {
		t.Run(d.name, d.want)
	}
}
