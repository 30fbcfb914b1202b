// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package operator_test tests the operator against a real API server and real sockets. Each test has a
// namespace, regions and an operator of its own, and asserts the state of the world.
package operator_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/breakwater-dev/breakwater/test/lab"
)

var controlPlane *lab.ControlPlane

func TestMain(m *testing.M) {
	lab.Enter()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	// The tests wait much more than they compute. A value on the command line replaces this one.
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var err error
	controlPlane, err = lab.StartControlPlane(context.Background(), lab.WithCRDs("../../config/crd/bases"), lab.WithAuditLog())
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
