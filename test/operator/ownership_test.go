// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/traffic"
	"github.com/breakwater-dev/breakwater/test/lab"
)

func deletionPolicy(p llmv1alpha1.DeletionPolicy) edit {
	return func(s *llmv1alpha1.LLMBackendSpec) { s.Service.DeletionPolicy = p }
}

// owners returns the owner references of Service chat and of its slice.
func (w *world) owners() [][]metav1.OwnerReference {
	w.t.Helper()
	return [][]metav1.OwnerReference{w.service("chat").OwnerReferences, w.slice(chatSlice).OwnerReferences}
}

func ownedBy(b *llmv1alpha1.LLMBackend) [][]metav1.OwnerReference {
	ref := []metav1.OwnerReference{{
		APIVersion: "llm.breakwater.dev/v1alpha1", Kind: "LLMBackend", Name: b.Name, UID: b.UID,
		Controller: new(true), BlockOwnerDeletion: new(true),
	}}
	return [][]metav1.OwnerReference{ref, ref}
}

func ownedByNobody() [][]metav1.OwnerReference { return [][]metav1.OwnerReference{nil, nil} }

func (w *world) wantOwners(want [][]metav1.OwnerReference) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.owners()); diff != "" {
		w.t.Errorf("owner references of Service and slice (-want +got):\n%s", diff)
	}
}

// awaitOwners waits until the slice, which is written after the Service, has the owner references.
func (w *world) awaitOwners(want [][]metav1.OwnerReference) {
	w.t.Helper()
	w.awaitSlice("owned as the policy says", func(s *discoveryv1.EndpointSlice) bool {
		return cmp.Equal(want[1], s.OwnerReferences)
	})
	w.wantOwners(want)
}

// What the deletion of the LLMBackend takes along is what carries its owner reference. The policy can be changed
// at any time.
func TestDeletionPolicy(t *testing.T) {
	for _, first := range []llmv1alpha1.DeletionPolicy{llmv1alpha1.DeletionDelete, llmv1alpha1.DeletionRetain} {
		t.Run(string(first), func(t *testing.T) {
			w := newWorld(t)
			east, _ := w.serve(deletionPolicy(first))
			b := w.get("chat")
			second, before, after := llmv1alpha1.DeletionRetain, ownedBy(b), ownedByNobody()
			if first == llmv1alpha1.DeletionRetain {
				second, before, after = llmv1alpha1.DeletionDelete, after, before
			}
			w.wantOwners(before)

			w.edit("chat", deletionPolicy(second))
			w.awaitOwners(after)
			w.edit("chat", deletionPolicy(first))
			w.awaitOwners(before)
			w.wantSlices(chatSlice + " seq=0 " + east.Addr())
		})
	}
}

// An LLMBackend that is made anew has another UID and begins at seq 0. It takes its old Service and slices over
// as they are.
func TestRecreatedLLMBackendTakesItsSlicesOver(t *testing.T) {
	w := newWorld(t)
	east, west := w.serve(minDuration("1h"), openDuration("1h"))
	w.set(east, lab.Status(503))
	old := w.awaitActive("chat", "eu-west")
	w.wantSlices(chatSlice + " seq=2 " + west.Addr())
	before := w.slice(chatSlice)

	w.remove(old)
	w.set(east, lab.Healthy())
	w.apply(makeLLMBackend("chat").primary("us-east", east.URL()).secondary("eu-west", west.URL()).obj())
	b := w.await("chat", "published anew", func(b *llmv1alpha1.LLMBackend) bool { return b.UID != old.UID && published(b) })
	w.wantHistory(b)
	w.wantSlices(chatSlice + " seq=0 " + east.Addr())
	w.wantOwners(ownedBy(b))
	after := w.slice(chatSlice)
	if want, got := traffic.FormatTransitionSeq(b.UID, 0), after.Annotations[traffic.TransitionSeqAnnotation]; got != want {
		t.Errorf("slice numbered %s, want %s", got, want)
	}
	if after.UID != before.UID {
		t.Errorf("the slice was deleted and made anew: UID %s, before %s", after.UID, before.UID)
	}
}
