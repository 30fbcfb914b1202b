// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"strings"
	"testing"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// misbehaviour is a way to answer probes, and what becomes of a region that does so from the beginning, and of one
// that was healthy before: the reason why its breaker opens, or in brackets why it says nothing about health.
type misbehaviour struct {
	name           string
	behaviour      lab.Behaviour
	atFirst, later string
}

func misbehaviours(elsewhere *lab.Region) []misbehaviour {
	return []misbehaviour{
		{"hang", lab.Hang(), "Timeout", "Timeout"},
		{"drip", lab.Drip(50 * time.Millisecond), "Timeout", "Timeout"},
		{"nonsense", lab.Nonsense(), "MalformedResponse", "MalformedResponse"},
		{"reset", lab.Reset(), "ConnectionReset", "ConnectionReset"},
		{"refuse", lab.Refuse(), "ConnectionRefused", "ConnectionRefused"},
		{"overloaded", lab.Status(529), "Status529", "Status529"},
		{"redirect", lab.Redirect(elsewhere.URL() + "/health"), "[NotFound]", "Status307"},
		{"not-found", lab.Status(404), "[NotFound]", "Status404"},
		{"unauthorized", lab.Status(401), "[BadCredentials]", "[BadCredentials]"},
	}
}

// wantVerdict waits until the only region of an LLMBackend has failed for the reason, or until its probes are told
// to be inconclusive.
func (w *world) wantVerdict(name, reason string) {
	w.t.Helper()
	if strings.HasPrefix(reason, "[") {
		w.awaitCondition(name, "ProbeInconclusive=True "+strings.Trim(reason, "[]"))
		b := w.awaitCondition(name, "Ready=True Serving")
		if isOpen(b, "us-east") {
			w.t.Errorf("%s: opened for the reason %s", name, breakerOf(b, "us-east").Reason)
		}
		return
	}
	b := w.awaitOpen(name, "us-east")
	if got := breakerOf(b, "us-east").Reason; got != reason {
		w.t.Errorf("%s: opened for the reason %s, want %s", name, got, reason)
	}
}

func TestMisbehaviourFromTheBeginning(t *testing.T) {
	w := newWorld(t)
	elsewhere := w.region(99)
	w.start()
	cases := misbehaviours(elsewhere)
	for i, c := range cases {
		r := w.region(i)
		w.set(r, c.behaviour)
		w.apply(makeLLMBackend(c.name).primary("us-east", r.URL()).obj())
	}
	for _, c := range cases {
		w.wantVerdict(c.name, c.atFirst)
	}
	if n := elsewhere.Connections(); n > 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

func TestMisbehaviourOfAHealthyRegion(t *testing.T) {
	w := newWorld(t)
	elsewhere := w.region(99)
	w.start()
	cases := misbehaviours(elsewhere)
	var regions []*lab.Region
	for i, c := range cases {
		regions = append(regions, w.region(i))
		w.apply(makeLLMBackend(c.name).primary("us-east", regions[i].URL()).obj())
	}
	w.awaitProbes(1, regions...)
	for _, c := range cases {
		w.awaitActive(c.name, "us-east")
	}
	for i, c := range cases {
		w.set(regions[i], c.behaviour)
	}
	for _, c := range cases {
		w.wantVerdict(c.name, c.later)
	}
	if n := elsewhere.Connections(); n > 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

// Of a body that does not end enough is read to see that the region serves.
func TestEndlessBody(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve()
	w.set(east, lab.EndlessBody())
	w.awaitProbes(5, east) // after three failures, the fifth would be a trial
	b := w.edit("chat", func(s *llmv1alpha1.LLMBackendSpec) { s.Breaker.FailureThreshold = 4 })
	w.wantHistory(b)
	w.wantConditions(b, "Ready=True Serving")
}
