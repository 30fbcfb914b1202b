// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

const (
	eastHost = "us-east.example.com"
	eastURL  = "http://" + eastHost + ":8000"
)

// serveByName starts an operator and the LLMBackend chat, whose us-east is a host name and whose eu-west is
// healthy.
func (w *world) serveByName(edits ...edit) (west *lab.Region) {
	w.t.Helper()
	west = w.region(9)
	b := makeLLMBackend("chat").primary("us-east", eastURL).secondary("eu-west", west.URL())
	for _, e := range edits {
		b.edit(e)
	}
	w.start()
	w.apply(b.obj())
	return west
}

// All addresses of a name that answer are published. That one comes or goes is no change of the region.
func TestHostNameWithSeveralAddresses(t *testing.T) {
	w := newWorld(t)
	one, two := w.region(0), w.region(1)
	w.names().set(eastHost, w.address(0), w.address(1))
	w.serveByName()
	both, second := w.address(0)+","+two.Addr(), two.Addr()
	w.awaitActive("chat", "us-east")
	w.wantSlices(chatSlice + " seq=0 " + both)
	w.awaitProbes(2, one) // the first of them has told that both answer

	failing := probes(one)
	w.set(one, lab.Status(503))
	w.awaitSlices(chatSlice + " seq=0 " + second)
	if n := probes(one) - failing; n < 3 {
		t.Errorf("an address was taken out after %d failures, want 3", n)
	}
	w.wantConditions(w.get("chat"), "Ready=True Serving")
	w.set(one, lab.Healthy())
	w.awaitSlices(chatSlice + " seq=0 " + both)
	w.wantHistory(w.get("chat"))
}

// What a switch publishes is what has answered its probe. What answers later comes in later.
func TestSwitchToSeveralAddresses(t *testing.T) {
	w := newWorld(t)
	east, one, two := w.region(0), w.region(1), w.region(2)
	w.set(two, lab.Status(503))
	w.names().set(eastHost, w.address(1), w.address(2))
	revisions := w.recordRevisions()
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", east.URL()).secondary("eu-west", eastURL).
		edit(failback(llmv1alpha1.FailbackManual)).obj())
	w.awaitActive("chat", "us-east")
	w.set(east, lab.Status(503))
	b := w.awaitActive("chat", "eu-west")
	w.awaitProbes(2, two)
	if diff := cmp.Diff([]string{chatSlice + " seq=0 " + east.Addr(), sliceOf(b) + one.Addr()}, revisions()); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	w.set(two, lab.Healthy())
	w.awaitSlices(sliceOf(b) + w.address(1) + "," + two.Addr())
}

// An address that fails now and then, less often in a row than the threshold, stays: nothing is written for it.
func TestAddressThatFailsNowAndThen(t *testing.T) {
	w := newWorld(t)
	one, two := w.region(0), w.region(1)
	w.names().set(eastHost, w.address(0), w.address(1))
	w.serveByName(func(s *llmv1alpha1.LLMBackendSpec) { s.Breaker.FailureThreshold = 20 }) // some seconds
	w.awaitSlices(chatSlice + " seq=0 " + w.address(0) + "," + two.Addr())
	w.awaitProbes(2, one)
	revisions := w.recordRevisions()
	for range 3 {
		w.set(one, lab.Status(503))
		w.awaitProbes(1, one)
		w.set(one, lab.Healthy())
		w.awaitProbes(2, one)
	}
	if written := revisions(); len(written) > 0 {
		t.Errorf("written: %q", written)
	}
	w.wantHistory(w.get("chat"))
}

// A name that does not exist is a region that fails.
func TestHostNameThatDoesNotExist(t *testing.T) {
	w := newWorld(t)
	east, names := w.region(0), w.names()
	west := w.serveByName()
	b := w.awaitActive("chat", "eu-west")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
	w.wantSlices(sliceOf(b) + west.Addr())
	if reason := newest(b, llmv1alpha1.TransitionBreakerOpened).Reason; reason != "NameNotFound" {
		t.Errorf("opened for the reason %s, want NameNotFound", reason)
	}

	names.set(eastHost, w.address(0))
	b = w.awaitActive("chat", "us-east")
	w.wantSlices(sliceOf(b) + east.Addr())
}

// A resolver that does not answer says nothing about a region. Nothing is known and nothing moves.
func TestResolverThatDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	east, names := w.region(0), w.names()
	names.set(eastHost, w.address(0))
	names.fail(true)
	w.serveByName()
	b := w.awaitCondition("chat", "ProbeInconclusive=True NoReadableAnswer")
	w.wantConditions(b, "Published=False Pending", "Ready=False NotPublished")
	w.awaitEvent("chat", llmv1alpha1.ReasonNoReadableAnswer)
	names.awaitQuestions(w, 3)
	w.wantHistory(w.get("chat"))
	w.wantSlices()

	names.fail(false)
	b = w.awaitCondition("chat", "Ready=True Serving")
	w.wantHistory(b)
	w.wantSlices(chatSlice + " seq=0 " + east.Addr())
	w.await("chat", "no longer inconclusive", func(b *llmv1alpha1.LLMBackend) bool {
		return !hasReason(b, llmv1alpha1.ConditionProbeInconclusive, llmv1alpha1.ReasonNoReadableAnswer)
	})
}

// Addresses once found are good until others are.
func TestRefreshOfANameThatFails(t *testing.T) {
	for what, goWrong := range map[string]func(*names){
		"the resolver does not answer": func(n *names) { n.fail(true) },
		"the name does not exist":      func(n *names) { n.set(eastHost) },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			east, names := w.region(0), w.names()
			names.set(eastHost, w.address(0))
			w.serveByName()
			w.awaitActive("chat", "us-east")
			before := w.sliceVersions()

			goWrong(names)
			names.awaitQuestions(w, 8)
			w.awaitProbes(2, east)
			b := w.get("chat")
			w.wantHistory(b)
			if diff := cmp.Diff([]string{"Published=True Published", "Ready=True Serving"}, conditions(b)); diff != "" {
				t.Errorf("conditions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
				t.Errorf("slices were written (-before +after):\n%s", diff)
			}
		})
	}
}

// A name that moves to another address is published there when that has answered.
func TestHostNameThatMoves(t *testing.T) {
	w := newWorld(t)
	one, two := w.region(0), w.region(1)
	names := w.names()
	names.set(eastHost, w.address(0))
	w.serveByName(func(s *llmv1alpha1.LLMBackendSpec) { s.Breaker.FailureThreshold = 100 })
	w.awaitActive("chat", "us-east")

	w.set(two, lab.Status(503))
	names.set(eastHost, w.address(1))
	w.awaitProbes(3, two)
	w.wantSlices(chatSlice + " seq=0 " + one.Addr())
	w.set(two, lab.Healthy())
	w.awaitSlices(chatSlice + " seq=0 " + two.Addr())
	w.wantHistory(w.get("chat"))
}

// A cluster IP is not used because a name has it among others.
func TestHostNameWithAClusterIP(t *testing.T) {
	w := newWorld(t)
	svc, trap := w.trapService("vllm")
	east := w.region(0)
	w.names().set(eastHost, w.address(0), svc.Spec.ClusterIP)
	shown := w.recordSlices()
	w.serveByName()
	w.awaitActive("chat", "us-east")
	w.awaitProbes(2, east)
	if diff := cmp.Diff([]string{east.Addr()}, shown()); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	wantNoConnection(t, trap)
}
