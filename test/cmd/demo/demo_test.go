// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/cmd/internal/playground"
	"github.com/breakwater-dev/breakwater/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }

// TestDemo plays the demo with and without real packets, and then a step that
// cannot happen, because the operator is gone.
func TestDemo(t *testing.T) {
	packets := []string{
		"control plane", "region", "region", "region", "operator", "apply", "ready", "client", "client saw",
		"break", "breaker opened", "probed", "failed over", "rewritten", "client saw",
		"heal", "breaker closed", "deferred", "failed back", "rewritten", "client saw",
		"break", "breaker opened", "probed", "failed over", "rewritten", "client saw",
		"heal and reset", "reset", "rewritten", "client saw",
		"done",
	}
	ofClient := func(what string) bool { return strings.HasPrefix(what, "client") }
	t.Run("Packets", func(t *testing.T) {
		if err := lab.MissingForCluster(t.Context()); err != nil {
			t.Skip(err)
		}
		out := testDemo(t, nil, packets)
		for _, want := range []string{"us-east  ", "eu-west  ", "errors  ", "; outage: "} {
			if _, chart, _ := strings.Cut(out, "Who answered the client:"); !strings.Contains(chart, want) {
				t.Errorf("the end lacks %q:\n%s", want, out)
			}
		}
	})
	t.Run("Plain", func(t *testing.T) {
		testDemo(t, errors.New("no nft"), slices.DeleteFunc(slices.Clone(packets), ofClient))
	})
}

func testDemo(t *testing.T, missing error, want []string) string {
	var out strings.Builder
	s := newStory(&out)
	p, err := playground.Start(t.Context(), missing)
	t.Cleanup(func() {
		// The operator is killed below.
		if err := p.Stop(context.WithoutCancel(t.Context())); err != nil && !strings.Contains(err.Error(), "the operator ended") {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	s.playground = p
	if err := s.play(t.Context()); err != nil {
		t.Fatalf("%v%s\nThe demo said:\n%s", err, s.evidence(t.Context()), out.String())
	}
	var told []string
	for line := range strings.Lines(out.String()) {
		if what := strings.TrimSpace(line[min(9, len(line)):min(25, len(line))]); strings.HasPrefix(line, "+") && what != "" {
			told = append(told, what)
		}
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("steps told (-want +got):\n%s\n%s", diff, out.String())
	}

	if err := p.Operator.Kill(); err != nil {
		t.Fatal(err)
	}
	_, err = s.await(t.Context(), llmv1alpha1.TransitionSwitchedOver)
	if err == nil || !strings.Contains(err.Error(), "expected: SwitchedOver in the history, but the operator has ended") {
		t.Errorf("a step without an operator: error %v; want what was expected", err)
	}
	evidence := s.evidence(t.Context())
	for _, want := range []string{"Active Region:", p.Operator.Log()} {
		if !strings.Contains(evidence, want) {
			t.Errorf("the evidence lacks %q:\n%s", want, evidence)
		}
	}
	return out.String()
}

func TestDemoWithoutOperator(t *testing.T) {
	var p playground.Playground
	if err := p.StartOperator(t.Context(), "never.log"); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), `run "make build"`) {
		t.Errorf("starting an operator that was not built: error %v; want what to run", err)
	}
}

func TestNext(t *testing.T) {
	backend := &llmv1alpha1.LLMBackend{}
	backend.Status.History = []llmv1alpha1.Transition{
		{Seq: 3, Type: llmv1alpha1.TransitionBreakerOpened},
		{Seq: 2, Type: llmv1alpha1.TransitionFailedOver},
		{Seq: 1, Type: llmv1alpha1.TransitionBreakerOpened},
	}
	for _, test := range []struct {
		want llmv1alpha1.TransitionType
		seq  int64
		got  int64
	}{
		{llmv1alpha1.TransitionBreakerOpened, 0, 1},
		{llmv1alpha1.TransitionBreakerOpened, 1, 3},
		{llmv1alpha1.TransitionBreakerOpened, 3, 0},
		{llmv1alpha1.TransitionReset, 0, 0},
	} {
		var got int64
		if transition := next(backend, test.want, test.seq); transition != nil {
			got = transition.Seq
		}
		if got != test.got {
			t.Errorf("next %s after %d has seq %d; want %d", test.want, test.seq, got, test.got)
		}
	}
}
