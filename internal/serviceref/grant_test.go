// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package serviceref

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

func TestPermits(t *testing.T) {
	const (
		ours    = `{group: llm.breakwater.dev, kind: LLMBackend, namespace: apps}`
		service = `{group: "", kind: Service}`
	)
	kind := schema.GroupKind{Group: "llm.breakwater.dev", Kind: "LLMBackend"}
	for _, test := range []struct {
		from, to string
		want     bool
	}{
		{ours, service, true},
		{ours, `{group: "", kind: Service, name: vllm}`, true},
		{ours, `{group: "", kind: Service, name: other}`, false},
		{ours, `{group: "", kind: Secret}`, false},
		{ours, `{group: example.com, kind: Service}`, false},
		{ours, `{group: "", kind: Secret}, ` + service, true},
		{ours, ``, false},
		{``, service, false},
		{`{group: llm.breakwater.dev, kind: LLMBackend, namespace: other}`, service, false},
		{`{group: llm.breakwater.dev, kind: Other, namespace: apps}`, service, false},
		{`{group: gateway.networking.k8s.io, kind: LLMBackend, namespace: apps}`, service, false},
		{`{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: apps}, ` + ours, service, true},
	} {
		t.Run(test.from+" to "+test.to, func(t *testing.T) {
			object := &unstructured.Unstructured{}
			text := `{metadata: {name: a}, spec: {from: [` + test.from + `], to: [` + test.to + `]}}`
			if err := yaml.Unmarshal([]byte(text), &object.Object); err != nil {
				t.Fatal(err)
			}
			g, err := ReadGrant(object)
			if err != nil {
				t.Fatal(err)
			}
			if got := g.Permits(kind, "apps", "vllm"); got != test.want {
				t.Errorf("permits: %v, want %v", got, test.want)
			}
		})
	}
}

func TestUnreadableGrant(t *testing.T) {
	object := &unstructured.Unstructured{Object: map[string]any{"spec": "none"}}
	if g, err := ReadGrant(object); err == nil {
		t.Errorf("no error, and %v", g)
	}
}
