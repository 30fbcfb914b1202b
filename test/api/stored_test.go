// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	seqMessage         = "status.transitionSeq never goes down and is never removed: leave status to the operator; to start over, delete the LLMBackend and create it again"
	serviceNameMessage = "the name of the Service cannot be changed, and is metadata.name where spec.service.name is not set: put back what it was, or delete the LLMBackend and create it again"
)

func mergePatch(text string) client.Patch {
	return client.RawPatch(types.MergePatchType, []byte(text))
}

func TestTransitionSeqNeverGoesDown(t *testing.T) {
	c := newClient(t)
	backend := manifest(t, newNamespace(t, c))
	if err := c.Create(t.Context(), backend); err != nil {
		t.Fatal(err)
	}
	status := func(patch string) error { return c.Status().Patch(t.Context(), backend.DeepCopy(), mergePatch(patch)) }

	accepted := []string{
		`{"status": {"observedGeneration": 1}}`,
		`{"status": {"transitionSeq": 0}}`,
		`{"status": {"transitionSeq": 5, "activeSeq": 5}}`,
		`{"status": {"transitionSeq": 5, "publishedSeq": 5}}`,
		`{"status": {"transitionSeq": 6}}`,
	}
	for _, patch := range accepted {
		if err := status(patch); err != nil {
			t.Errorf("status patch %s: %v", patch, err)
		}
	}

	want := causes{"status.transitionSeq": seqMessage}
	for _, patch := range []string{
		`{"status": {"transitionSeq": 5}}`,
		`{"status": {"transitionSeq": 0}}`,
		`{"status": {"transitionSeq": null}}`,
		`{"status": null}`,
	} {
		if diff := want.difference(status(patch)); diff != "" {
			t.Errorf("status patch %s: %s", patch, diff)
		}
	}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(backend), backend); err != nil {
		t.Fatal(err)
	}
	without := backend.DeepCopy()
	delete(without.Object, "status")
	if diff := want.difference(c.Status().Update(t.Context(), without.DeepCopy())); diff != "" {
		t.Errorf("status update without status: %s", diff)
	}

	// An update of the object itself, even one without a status, leaves the status alone.
	without.SetAnnotations(map[string]string{"llm.breakwater.dev/reset": "1"})
	if err := c.Update(t.Context(), without); err != nil {
		t.Fatal(err)
	}
	if seq, _, err := unstructured.NestedInt64(without.Object, "status", "transitionSeq"); seq != 6 {
		t.Errorf("transitionSeq after an update of the object: %d, %v; want 6", seq, err)
	}
	if err := status(`{"status": {"transitionSeq": 7}}`); err != nil {
		t.Error(err)
	}
}

func TestServiceNameNeverChanges(t *testing.T) {
	const (
		unset = `{"spec": {"service": {"name": null}}}`
		none  = `{"spec": {"service": null}}`
		chat  = `{"spec": {"service": {"name": "chat"}}}`
		llm   = `{"spec": {"service": {"name": "llm"}}}`
	)
	tests := []struct {
		name, before, after string
		refused             bool
	}{
		{"SetToTheDefault", unset, chat, false},
		{"SetToAnother", unset, llm, true},
		{"UnsetTheDefault", chat, unset, false},
		{"RemoveTheDefault", chat, none, false},
		{"UnsetAnother", llm, unset, true},
		{"RemoveAnother", llm, none, true},
		{"Change", chat, llm, true},
		{"ChangeToTheDefault", llm, chat, true},
		{"Keep", llm, llm, false},
	}
	c := newClient(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			backend := manifest(t, newNamespace(t, c), test.before)
			if err := c.Create(t.Context(), backend); err != nil {
				t.Fatal(err)
			}
			err := c.Patch(t.Context(), backend, mergePatch(test.after))
			if !test.refused {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if diff := (causes{"spec.service.name": serviceNameMessage}).difference(err); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestStoredObjectsStayWritable stores objects that break the rules, as a version without these rules would
// have let through. Then the operator must still be able to write status, and people to give orders.
func TestStoredObjectsStayWritable(t *testing.T) {
	const group = "stored.example.com"
	c := newClient(t)
	namespace := newNamespace(t, c)

	lax := readCRD(t)
	merge(lax, parse(t, `{metadata: {name: llmbackends.`+group+`}, spec: {group: `+group+`, names: {shortNames: null, categories: null}}}`))
	strict := runtime.DeepCopyJSON(lax)
	fromRules := map[string]bool{}
	for _, message := range ruleMessages(lax) {
		fromRules[message] = true
	}
	removeRules(lax)
	crd := &unstructured.Unstructured{Object: lax}
	if err := c.Create(t.Context(), crd); err != nil {
		t.Fatal(err)
	}

	stored := func(patches ...string) *unstructured.Unstructured {
		backend := manifest(t, namespace, patches...)
		backend.SetAPIVersion(group + "/v1alpha1")
		return backend
	}
	bad := stored(`{metadata: {name: bad}, spec: {primary: {name: eu-west}}}`)
	await(t, "the CRD is served", func(ctx context.Context) (bool, error) {
		err := c.Create(ctx, bad.DeepCopy(), client.DryRunAll)
		if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	})
	// One for each way to break a rule in each place.
	var backends []*unstructured.Unstructured
	broken := map[string]bool{}
	for _, r := range refusals() {
		way := fmt.Sprint(r.want)
		if broken[way] || !allOf(r.want, fromRules) {
			continue
		}
		broken[way] = true
		backend := stored(`{metadata: {name: null, generateName: stored-}}`, r.patch)
		if err := c.Create(t.Context(), backend); err != nil {
			t.Fatalf("without rules, %s: %v", r.patch, err)
		}
		backends = append(backends, backend)
	}

	withoutRules := crd.DeepCopy()
	crd.Object["spec"] = strict["spec"]
	if err := c.Patch(t.Context(), crd, client.MergeFrom(withoutRules)); err != nil {
		t.Fatal(err)
	}
	await(t, "the rules are in force", func(ctx context.Context) (bool, error) {
		err := c.Create(ctx, bad.DeepCopy(), client.DryRunAll)
		if err == nil || apierrors.IsInvalid(err) {
			return err != nil, nil
		}
		return false, err
	})
	for _, backend := range backends {
		spec := backend.Object["spec"]
		if err := c.Status().Patch(t.Context(), backend, mergePatch(`{"status": {"transitionSeq": 1}}`)); err != nil {
			t.Errorf("status write: %v\n%v", err, spec)
		}
		if err := c.Patch(t.Context(), backend, mergePatch(`{"metadata": {"annotations": {"llm.breakwater.dev/reset": "1"}}}`)); err != nil {
			t.Errorf("annotation: %v\n%v", err, spec)
		}
		err := c.Status().Patch(t.Context(), backend, mergePatch(`{"status": {"transitionSeq": 0}}`))
		if diff := (causes{"status.transitionSeq": seqMessage}).difference(err); diff != "" {
			t.Errorf("lowering transitionSeq: %s\n%v", diff, spec)
		}
	}
}

// removeRules removes all CEL rules from a part of a schema.
func removeRules(part any) {
	switch part := part.(type) {
	case map[string]any:
		delete(part, rulesKey)
		for _, value := range part {
			removeRules(value)
		}
	case []any:
		for _, value := range part {
			removeRules(value)
		}
	}
}

func allOf(want causes, messages map[string]bool) bool {
	for _, message := range want {
		if !messages[message] {
			return false
		}
	}
	return true
}

// await asks until the answer is yes.
func await(t *testing.T, what string, ask func(context.Context) (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		yes, err := ask(ctx)
		if err != nil {
			t.Fatalf("until %s: %v", what, err)
		}
		if yes {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("until %s: %v", what, ctx.Err())
		case <-ticker.C:
		}
	}
}
