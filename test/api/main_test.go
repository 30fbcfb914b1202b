// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package api_test tests the schema of the API on a real API server: defaults, every rule with its message,
// and what becomes of objects that were stored before a rule existed.
package api_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/breakwater-dev/breakwater/test/lab"
)

const crdPath = "../../config/crd/bases/llm.breakwater.dev_llmbackends.yaml"

// controlPlane is shared by all tests; each has a namespace of its own.
var controlPlane *lab.ControlPlane

func TestMain(m *testing.M) {
	lab.Enter()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	controlPlane, err = lab.StartControlPlane(context.Background(), lab.WithCRDs(crdPath))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := controlPlane.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// newClient returns a client that has the API server refuse unknown fields, as kubectl does.
func newClient(t *testing.T) client.Client {
	t.Helper()
	config := rest.CopyConfig(controlPlane.Config)
	config.WarningHandlerWithContext = rest.NoWarnings{}
	c, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return client.WithFieldValidation(c, client.FieldValidation("Strict"))
}
