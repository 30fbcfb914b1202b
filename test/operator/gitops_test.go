// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// flux is who writes what is in Git.
const flux = "kustomize-controller"

// inGit is a manifest as it is in Git: without defaults, orders and status.
const inGit = `apiVersion: llm.breakwater.dev/v1alpha1
kind: LLMBackend
metadata:
  name: chat
  namespace: %s
  labels: {team: search}
spec:
  primary: {name: us-east, endpoint: {url: "%s"}}
  secondaries:
  - {name: eu-west, endpoint: {url: "%s"}}
  probe: {period: 1s, suspectPeriod: 100ms, timeout: 1s}
  breaker: {failureThreshold: 3, openDuration: 1h}
  failover: {minDuration: %s}
`

// applyAsFlux applies a manifest as Flux does: on the server's side, and by force.
func (w *world) applyAsFlux(manifest string) *llmv1alpha1.LLMBackend {
	w.t.Helper()
	b := &llmv1alpha1.LLMBackend{ObjectMeta: metav1.ObjectMeta{Name: "chat", Namespace: w.ns}}
	if err := w.client.Patch(w.ctx, b, client.RawPatch(types.ApplyYAMLPatchType, []byte(manifest)), client.FieldOwner(flux), client.ForceOwnership); err != nil {
		w.t.Fatal(err)
	}
	return b
}

// An hour of a GitOps tool that applies what is in Git each minute: nothing differs, nothing is written, and neither it
// nor the operator takes back what people have ordered.
func TestGitOpsDoesNotDrift(t *testing.T) {
	w := newWorld(t)
	east, west := w.region(0), w.region(1)
	manifest := fmt.Sprintf(inGit, w.ns, east.URL(), west.URL(), "1h")
	w.start()
	w.applyAsFlux(manifest)
	w.awaitActive("chat", "us-east")
	w.set(east, lab.Status(503))
	w.awaitActive("chat", "eu-west")
	w.administrator().runs(0, "switch", "chat", "--to", "eu-west")
	w.administrator().runs(0, "pause", "chat", "--for", "1h")
	w.awaitEvent("chat", "RegionPinned")
	w.awaitEvent("chat", "EndpointSliceApplied")
	b := w.get("chat")

	steady := time.Now()
	const minutes = 60
	for range minutes {
		if after := w.applyAsFlux(manifest); after.ResourceVersion != b.ResourceVersion {
			t.Fatalf("applying what is in Git wrote something:\n%s", cmp.Diff(b, after))
		}
	}
	w.awaitProbes(2, west)
	file := filepath.Join(t.TempDir(), "chat.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	if diff, err := controlPlane.Kubectl(w.ctx, "diff", "--server-side", "--force-conflicts", "--field-manager", flux, "-f", file); err != nil {
		t.Errorf("what is in Git differs: %v\n%s", err, diff)
	}
	applied := 0
	for _, write := range w.writesSince(steady) {
		if write != "patch llmbackends chat" {
			t.Errorf("the operator wrote: %s", write)
		}
		applied++
	}
	if applied < minutes {
		t.Errorf("%d writes in the audit log, want at least the %d of this test", applied, minutes)
	}
	w.wantOrdersKept(b.Annotations)
	w.wantManagers()

	// A change in Git changes that and nothing else.
	b = w.applyAsFlux(fmt.Sprintf(inGit, w.ns, east.URL(), west.URL(), "2h"))
	w.await("chat", "read by the operator", func(now *llmv1alpha1.LLMBackend) bool { return now.Status.ObservedGeneration == b.Generation })
	w.wantOrdersKept(b.Annotations)
	w.wantHistory(w.get("chat"), "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
}

// wantOrdersKept checks that what people have ordered is there, acknowledged and as they wrote it.
func (w *world) wantOrdersKept(before map[string]string) {
	w.t.Helper()
	b := w.get("chat")
	if diff := cmp.Diff(before, b.Annotations); diff != "" || len(before) != 3 {
		w.t.Errorf("annotations (-before +now):\n%s", diff)
	}
	if token := b.Annotations[llmv1alpha1.SwitchRequestedAtAnnotation]; token == "" || b.Status.LastHandledSwitch != token {
		w.t.Errorf("handled switch %q, ordered %q", b.Status.LastHandledSwitch, token)
	}
}

// wantManagers checks who manages what: Git the spec, people their orders, and the operator the status alone.
func (w *world) wantManagers() {
	w.t.Helper()
	for _, f := range w.get("chat").ManagedFields {
		fields := f.FieldsV1.GetRawString()
		spec, orders, status := strings.Contains(fields, `"f:spec"`), strings.Contains(fields, `"f:llm.breakwater.dev/`), strings.Contains(fields, `"f:status"`)
		switch {
		case f.Manager == flux && spec && !orders && !status:
		case f.Manager == "kubectl-breakwater" && orders && !spec && !status:
		case f.Subresource == "status" && status && !spec && !orders:
		default:
			w.t.Errorf("%s (%s) manages spec: %t, orders: %t, status: %t", f.Manager, f.Subresource, spec, orders, status)
		}
	}
}

// The script of config/argocd becomes one key of Argo CD's ConfigMap, and leaves the others as they are.
func TestArgoCDGetsItsScript(t *testing.T) {
	w := newWorld(t)
	w.create(&corev1.Namespace{}, "argocd", "")
	w.create(&corev1.ConfigMap{Data: map[string]string{"url": "https://argocd.example.com"}}, "argocd-cm", "argocd")
	if _, err := controlPlane.Kubectl(w.ctx, "apply", "--server-side", "-k", "../../config/argocd"); err != nil {
		t.Fatal(err)
	}
	got := &corev1.ConfigMap{}
	if err := w.client.Get(w.ctx, client.ObjectKey{Namespace: "argocd", Name: "argocd-cm"}, got); err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("../../config/argocd/health.lua")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"url": "https://argocd.example.com", "resource.customizations.health.llm.breakwater.dev_LLMBackend": string(script),
	}
	if diff := cmp.Diff(want, got.Data); diff != "" {
		t.Errorf("argocd-cm (-want +got):\n%s", diff)
	}
}
