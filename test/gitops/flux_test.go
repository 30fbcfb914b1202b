// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package gitops_test

import (
	"testing"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestFlux(t *testing.T) {
	for _, s := range states(t) {
		t.Run(s.name, func(t *testing.T) {
			result, err := status.Compute(&unstructured.Unstructured{Object: s.object})
			if err != nil {
				t.Fatal(err)
			}
			if result.Status != s.flux {
				t.Errorf("Flux sees %s (%s), want %s", result.Status, result.Message, s.flux)
			}
		})
	}
}
