// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package traffic tests internal/traffic on a real API server.
package traffic

import (
	"context"
	"fmt"
	"os"
	"testing"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// apiServer is shared by all tests; each has a namespace of its own.
var apiServer *rest.Config

func TestMain(m *testing.M) {
	lab.Enter()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	controlPlane, err := lab.StartControlPlane(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = controlPlane.Stop() }()
	apiServer = rest.CopyConfig(controlPlane.Config)
	apiServer.WarningHandlerWithContext = rest.NoWarnings{}
	return m.Run()
}

func newClient(t *testing.T) client.Client {
	t.Helper()
	c, err := client.New(apiServer, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
