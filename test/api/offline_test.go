// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	offline "github.com/breakwater-dev/breakwater/internal/manifest"
)

// TestRefusedOffline: what the API server refuses is refused without one too, with the same words.
func TestRefusedOffline(t *testing.T) {
	schema, err := offline.Load()
	if err != nil {
		t.Fatal(err)
	}
	kind := llmv1alpha1.GroupVersion.WithKind("LLMBackend").GroupKind()
	for _, test := range refusals() {
		t.Run(test.patch, func(t *testing.T) {
			object := manifest(t, "default", test.patch).Object
			if generated, ok := object["metadata"].(map[string]any)["generateName"].(string); ok {
				object["metadata"].(map[string]any)["name"] = generated + "x" // the API server does that first
			}
			_, err := schema.Create(object)
			if refused, ok := errors.AsType[offline.RefusedError](err); ok {
				err = apierrors.NewInvalid(kind, "chat", field.ErrorList(refused))
			}
			if diff := test.want.difference(err); diff != "" {
				t.Error(diff)
			}
		})
	}
}
