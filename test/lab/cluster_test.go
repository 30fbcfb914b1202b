// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"testing"

	"github.com/breakwater-dev/breakwater/test/lab"
)

func TestCluster(t *testing.T) {
	if err := lab.MissingForCluster(t.Context()); err != nil {
		t.Skip(err)
	}
	c, err := lab.StartCluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
}
