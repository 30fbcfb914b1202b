// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

const minimal = `
apiVersion: llm.breakwater.dev/v1alpha1
kind: LLMBackend
metadata: {name: chat}
spec:
  primary: {name: us-east, endpoint: {url: "http://10.1.0.10:8000"}}
  secondaries: [{name: eu-west, endpoint: {url: "http://10.2.0.10:8000"}}]
status: {activeRegion: eu-west}
`

func create(t *testing.T) (*Schema, Object) {
	t.Helper()
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Create(parse(t, minimal))
	if err != nil {
		t.Fatal(err)
	}
	return s, o
}

func parse(t *testing.T, text string) Object {
	t.Helper()
	o, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func read(t *testing.T, o Object) *llmv1alpha1.LLMBackend {
	t.Helper()
	b, err := o.LLMBackend()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestCreate: defaults are applied, and a status is not taken from a manifest.
func TestCreate(t *testing.T) {
	_, o := create(t)
	b := read(t, o)
	if b.Generation != 1 || b.Namespace != "default" {
		t.Errorf("generation %d in namespace %q, want 1 in default", b.Generation, b.Namespace)
	}
	if b.Spec.Breaker.FailureThreshold != 5 || b.Spec.Probe.Period != "5s" || b.Spec.Failover.Mode != llmv1alpha1.FailoverAutomatic {
		t.Errorf("without defaults: %+v", b.Spec)
	}
	if b.Status.ActiveRegion != "" {
		t.Errorf("status has active region %q, want none", b.Status.ActiveRegion)
	}
}

func TestPatch(t *testing.T) {
	s, stored := create(t)
	for _, test := range []struct {
		name, patch string
		generation  int64
		want        func(b *llmv1alpha1.LLMBackend) bool
	}{
		{"a field", `{spec: {failover: {minDuration: 5m}}}`, 2, func(b *llmv1alpha1.LLMBackend) bool {
			return b.Spec.Failover.MinDuration == "5m" && b.Spec.Failover.Failback == llmv1alpha1.FailbackAutomatic
		}},
		{"null brings the default back", `{spec: {failover: {minDuration: null}}}`, 1,
			func(b *llmv1alpha1.LLMBackend) bool { return b.Spec.Failover.MinDuration == "30s" }},
		{"an annotation", `{metadata: {annotations: {a: b}}}`, 1,
			func(b *llmv1alpha1.LLMBackend) bool { return b.Annotations["a"] == "b" }},
		{"a list is replaced", `{spec: {secondaries: []}}`, 2,
			func(b *llmv1alpha1.LLMBackend) bool { return len(b.Spec.Secondaries) == 0 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			patched, err := s.Patch(stored, parse(t, test.patch))
			if err != nil {
				t.Fatal(err)
			}
			if b := read(t, patched); b.Generation != test.generation || !test.want(b) {
				t.Errorf("generation %d, want %d; object %v", b.Generation, test.generation, patched)
			}
			if b := read(t, stored); b.Generation != 1 || b.Spec.Failover.MinDuration != "30s" {
				t.Error("what was stored was changed in place")
			}
		})
	}
}

func TestPatchRefused(t *testing.T) {
	s, stored := create(t)
	for _, test := range []struct{ patch, field, message string }{
		{`{spec: {service: {name: other}}}`, "spec.service.name", "the name of the Service cannot be changed"},
		{`{spec: {probe: {period: 1s}}}`, "spec.probe", "timeout"},
		{`{spec: {failover: {cooldown: 1s}}}`, "spec.failover.cooldown", `unknown field "spec.failover.cooldown"`},
		{`{metadata: {color: red}}`, "metadata.color", `unknown field "metadata.color"`},
		{`{metadata: {namespace: other}}`, "metadata.namespace", "field is immutable"},
		{`{spec: {primary: null}}`, "spec.primary", "Required value"},
	} {
		t.Run(test.patch, func(t *testing.T) {
			_, err := s.Patch(stored, parse(t, test.patch))
			refused, ok := errors.AsType[RefusedError](err)
			if !ok || len(refused) != 1 || !strings.HasPrefix(refused[0].Field, test.field) || !strings.Contains(refused.Error(), test.message) {
				t.Errorf("error %v; want %s: %s", err, test.field, test.message)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	target := map[string]any{"a": "b", "c": map[string]any{"d": "e", "f": "g"}, "h": []any{"i"}}
	merge(target, map[string]any{"a": "z", "c": map[string]any{"f": nil}, "h": map[string]any{"i": nil}, "j": nil})
	want := map[string]any{"a": "z", "c": map[string]any{"d": "e"}, "h": map[string]any{}}
	if diff := cmp.Diff(want, target); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
}
