// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// minimal is the smallest LLMBackend with a secondary region.
const minimal = `
apiVersion: llm.breakwater.dev/v1alpha1
kind: LLMBackend
metadata: {name: chat}
spec:
  primary: {name: us-east, endpoint: {url: "http://10.1.0.10:8000"}}
  secondaries:
  - {name: eu-west, endpoint: {url: "http://10.2.0.10:8000"}}
`

// manifest returns the minimal LLMBackend with merge patches in YAML applied to it.
func manifest(t *testing.T, namespace string, patches ...string) *unstructured.Unstructured {
	t.Helper()
	object := parse(t, minimal)
	for _, patch := range patches {
		merge(object, parse(t, patch))
	}
	u := &unstructured.Unstructured{Object: object}
	u.SetNamespace(namespace)
	return u
}

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return object
}

// merge applies a patch as RFC 7396 says.
func merge(object, patch map[string]any) {
	for key, value := range patch {
		inner, isMap := value.(map[string]any)
		target, hasMap := object[key].(map[string]any)
		switch {
		case value == nil:
			delete(object, key)
		case isMap && hasMap:
			merge(target, inner)
		default:
			object[key] = value
		}
	}
}

// newNamespace returns a namespace of the test's own.
func newNamespace(t *testing.T, c client.Client) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "api-"}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	return namespace.Name
}

// causes are why an object is refused: by field, how the message ends.
type causes map[string]string

// difference says how an error differs from being refused for exactly these causes; empty if it does not.
func (want causes) difference(err error) string {
	var refused *apierrors.StatusError
	if !errors.As(err, &refused) || !apierrors.IsInvalid(err) {
		return fmt.Sprintf("error %v; want it refused: %v", err, want)
	}
	var wrong []string
	seen := map[string]bool{}
	for _, got := range refused.Status().Details.Causes {
		// The API server adds this where a fault of another kind keeps it from looking at the rules.
		if strings.Contains(got.Message, "some validation rules were not checked") {
			continue
		}
		if message, ok := want[got.Field]; !ok || seen[got.Field] || !strings.HasSuffix(got.Message, message) {
			wrong = append(wrong, fmt.Sprintf("unwanted: %s: %s", got.Field, got.Message))
		}
		seen[got.Field] = true
	}
	for field, message := range want {
		if !seen[field] {
			wrong = append(wrong, fmt.Sprintf("missing: %s: %s", field, message))
		}
	}
	return strings.Join(wrong, "\n")
}
