// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/traffic"
	"github.com/breakwater-dev/breakwater/test/lab"
)

const sharedSlice = "llm-breakwater-ipv4"

// wanting returns an LLMBackend that wants Service llm for one region.
func wanting(name string, r *lab.Region) *backendBuilder {
	return makeLLMBackend(name).primary("us-east", r.URL()).edit(func(s *llmv1alpha1.LLMBackendSpec) { s.Service.Name = "llm" })
}

// wantConflicted waits until an LLMBackend says that the Service is the other one's.
func (w *world) wantConflicted(name, owner string) {
	w.t.Helper()
	b := w.awaitCondition(name, "Stalled=True Conflicted")
	w.wantConditions(b, "Published=False Conflicted", "Ready=False Stalled")
	message := meta.FindStatusCondition(b.Status.Conditions, llmv1alpha1.ConditionPublished).Message
	if !strings.Contains(message, "belongs to LLMBackend "+owner+",") {
		w.t.Errorf("message %q, want one that names %s", message, owner)
	}
	if note := w.awaitEvent(name, llmv1alpha1.ReasonConflicted).Note; note != message {
		w.t.Errorf("event says %q, condition %q", note, message)
	}
}

// wantShownFor checks whose slice it is and what it shows.
func (w *world) wantShownFor(b *llmv1alpha1.LLMBackend, r *lab.Region) {
	w.t.Helper()
	slice := w.slice(sharedSlice)
	if uid, _, err := traffic.ParseTransitionSeq(slice.Annotations[traffic.TransitionSeqAnnotation]); err != nil || uid != b.UID {
		w.t.Errorf("slice of %s (%v), want of %s, LLMBackend %s", uid, err, b.UID, b.Name)
	}
	w.wantSlices(sharedSlice + " seq=0 " + r.Addr())
}

// collectGarbage removes what the LLMBackend owned, as Kubernetes does.
func (w *world) collectGarbage(b *llmv1alpha1.LLMBackend) {
	w.t.Helper()
	list := &discoveryv1.EndpointSliceList{}
	if err := w.client.List(w.ctx, list, client.InNamespace(w.ns)); err != nil {
		w.t.Fatal(err)
	}
	owned := []client.Object{w.service("llm")}
	for i := range list.Items {
		owned = append(owned, &list.Items[i])
	}
	for _, o := range owned {
		if slices.ContainsFunc(o.GetOwnerReferences(), func(r metav1.OwnerReference) bool { return r.UID == b.UID }) {
			w.remove(o)
		}
	}
}

// trafficWrites keeps the writes of Services and EndpointSlices.
func trafficWrites(all []string) []string {
	return slices.DeleteFunc(all, func(write string) bool {
		return !strings.Contains(write, " services") && !strings.Contains(write, " endpointslices")
	})
}

func TestServiceWantedByTwo(t *testing.T) {
	for _, order := range [][2]string{{"alpha", "beta"}, {"beta", "alpha"}} {
		t.Run(order[0]+" before "+order[1], func(t *testing.T) {
			w := newWorld(t)
			start := time.Now()
			theirs, ours := w.region(0), w.region(1)
			w.start()
			owner := w.apply(wanting(order[0], theirs).obj())
			w.awaitActive(owner.Name, "us-east")

			other := w.apply(wanting(order[1], ours).obj())
			w.wantConflicted(other.Name, owner.Name)
			w.awaitProbes(2, theirs, ours)
			w.wantShownFor(owner, theirs)
			if diff := cmp.Diff([]string{"create services llm", "create endpointslices " + sharedSlice},
				trafficWrites(w.writesSince(start))); diff != "" {
				t.Errorf("writes (-want +got):\n%s", diff)
			}

			w.remove(owner)
			w.collectGarbage(owner)
			w.awaitActive(other.Name, "us-east")
			w.wantShownFor(other, ours)
			if got := w.service("llm").Annotations[traffic.BackendAnnotation]; got != other.Name {
				t.Errorf("Service annotated for %s, want %s", got, other.Name)
			}
		})
	}
}

// Where nobody has published yet the oldest one owns the Service, and of two of the same second the one with the
// lower UID, so that every operator comes to the same answer.
func TestServiceWantedByTwoBeforeAnOperatorStarts(t *testing.T) {
	w := newWorld(t)
	regions := map[string]*lab.Region{"alpha": w.region(0), "beta": w.region(1)}
	owner := w.apply(wanting("beta", regions["beta"]).obj())
	other := w.apply(wanting("alpha", regions["alpha"]).obj())
	if other.CreationTimestamp.Equal(&owner.CreationTimestamp) && other.UID < owner.UID {
		owner, other = other, owner
	}
	w.start()
	w.awaitActive(owner.Name, "us-east")
	w.wantConflicted(other.Name, owner.Name)
	w.wantShownFor(owner, regions[owner.Name])

	w.restart()
	w.awaitProbes(2, regions["alpha"], regions["beta"])
	w.wantConflicted(other.Name, owner.Name)
	w.wantShownFor(owner, regions[owner.Name])
}

// A Service that its owner leaves behind goes on serving until somebody says whose it is now. The slices are
// taken over as they are: none is deleted.
func TestServiceLeftBehindIsHandedOver(t *testing.T) {
	w := newWorld(t)
	theirs, ours := w.region(0), w.region(1)
	w.start()
	owner := w.apply(wanting("alpha", theirs).edit(func(s *llmv1alpha1.LLMBackendSpec) {
		s.Service.DeletionPolicy = llmv1alpha1.DeletionRetain
	}).obj())
	w.awaitActive("alpha", "us-east")
	other := w.apply(wanting("beta", ours).obj())
	w.wantConflicted("beta", "alpha")
	before := w.slice(sharedSlice)

	w.remove(owner)
	w.awaitCondition("beta", "Stalled=True ServiceRefused")
	w.wantShownFor(owner, theirs)
	svc := w.service("llm")
	svc.Annotations[traffic.BackendAnnotation] = "beta"
	w.update(svc)
	w.awaitActive("beta", "us-east")
	w.wantShownFor(other, ours)
	if after := w.slice(sharedSlice); after.UID != before.UID {
		t.Errorf("the slice was deleted and made anew: UID %s, before %s", after.UID, before.UID)
	}
}
