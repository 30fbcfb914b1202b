// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/serviceref"
)

// grant allows LLMBackends of the namespace from to refer to all Services, or to one.
func grant(from, service string) *unstructured.Unstructured {
	to := map[string]any{"group": "", "kind": "Service"}
	if service != "" {
		to["name"] = service
	}
	g := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"from": []any{map[string]any{"group": "llm.breakwater.dev", "kind": "LLMBackend", "namespace": from}},
		"to":   []any{to},
	}}}
	g.SetGroupVersionKind(serviceref.GrantKind())
	return g
}

// installGrants has the API server know ReferenceGrants, until the end of the test.
func (w *world) installGrants() {
	w.t.Helper()
	crds := envtest.CRDInstallOptions{Paths: []string{"testdata/referencegrants.yaml"}}
	if _, err := envtest.InstallCRDs(controlPlane.Config, crds); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := envtest.UninstallCRDs(controlPlane.Config, crds); err != nil {
			w.t.Error(err)
		}
	})
}

// A Service in another namespace is refused until that namespace allows it, also where the cluster does not know
// ReferenceGrants or gets to know them later.
func TestServiceRefIntoAnotherNamespace(t *testing.T) {
	w := newWorld(t)
	models := w.ns + "-models"
	w.others = []string{models}
	w.create(&corev1.Namespace{}, models, "")
	east, west := w.region(0), w.region(9)
	vllm := w.podsIn(models, "vllm")
	vllm.show("a", 8000, ready(w.address(0)))
	ref := vllm.ref()
	ref.Namespace = models
	w.start()
	w.apply(makeLLMBackend("chat").primaryRef("models", ref).secondary("eu-west", west.URL()).obj())

	b := w.awaitCondition("chat", "Stalled=True RefNotPermitted")
	message := meta.FindStatusCondition(b.Status.Conditions, llmv1alpha1.ConditionStalled).Message
	if !strings.Contains(message, "create a ReferenceGrant") {
		t.Errorf("message %q does not say what to do", message)
	}
	b = w.awaitActive("chat", "eu-west")
	if reason := newest(b, llmv1alpha1.TransitionBreakerOpened).Reason; reason != "RefNotPermitted" {
		t.Errorf("opened for the reason %s, want RefNotPermitted", reason)
	}
	if n := east.Connections(); n > 0 {
		t.Errorf("%d connections to what is not permitted", n)
	}

	w.installGrants()
	w.create(grant("elsewhere", ""), "elsewhere", models)
	w.create(grant(w.ns, "other"), "other", models)
	w.awaitTrials("chat", "models", 1)
	allowed := grant(w.ns, "vllm")
	w.create(allowed, "allowed", models)
	b = w.awaitActive("chat", "models")
	w.wantSlices(sliceOf(b) + east.Addr())
	w.await("chat", "no longer stalled", func(b *llmv1alpha1.LLMBackend) bool {
		return meta.FindStatusCondition(b.Status.Conditions, llmv1alpha1.ConditionStalled) == nil
	})

	// A restart finds the grant again before it judges.
	before := w.sliceVersions()
	w.restart()
	w.awaitProbes(2, east)
	w.wantHistory(w.get("chat"), history(b)...)
	if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
		t.Errorf("slices were written (-before +after):\n%s", diff)
	}

	w.remove(allowed)
	b = w.awaitActive("chat", "eu-west")
	w.wantSlices(sliceOf(b) + west.Addr())
	w.awaitCondition("chat", "Stalled=True RefNotPermitted")
}
