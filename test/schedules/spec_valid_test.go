// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package schedules

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/manifest"
)

// TestSpecsAreValid: what schedules create and edit is what the API server would accept, since the one that they are
// played against does not validate it.
func TestSpecsAreValid(t *testing.T) {
	schema, err := manifest.Load()
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		b := randomBackend(r, 1+r.IntN(len(regionNames)))
		what := "created"
		for range 5 {
			if _, err := schema.Create(manifestOf(t, b)); err != nil {
				t.Errorf("seed %d, %s: %v\n%s", seed, what, err, describe(b))
			}
			var change func(*llmv1alpha1.LLMBackend)
			what, change = randomEdit(r)
			change(b)
		}
	}
}

func manifestOf(t *testing.T, b *llmv1alpha1.LLMBackend) manifest.Object {
	t.Helper()
	b = b.DeepCopy()
	b.APIVersion, b.Kind = llmv1alpha1.GroupVersion.String(), "LLMBackend"
	data, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	o, err := manifest.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return o
}
