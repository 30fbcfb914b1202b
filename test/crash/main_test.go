// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package crash_test kills the operator at each of its writes, and does worse to
// its connection. The operator is the program that users run, in a process of
// its own; the API server and all sockets are real. Each run has a namespace,
// regions, a proxy before the API server and an observer of its own.
package crash_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// The operator runs as the user that its manifests give rights to.
const (
	operatorNamespace = "breakwater-system"
	operatorUser      = "system:serviceaccount:breakwater-system:breakwater-manager"
)

var (
	controlPlane   *lab.ControlPlane
	admin          client.WithWatch
	operatorConfig *rest.Config
)

// outage is how long the API server is out of reach in tests of that.
var outage = flag.Duration("outage", 8*time.Second, "how long the API server is out of reach in tests of that")

func TestMain(m *testing.M) {
	lab.Enter()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	// The tests wait more than they compute. A value on the command line replaces this one.
	if err := flag.Set("test.parallel", "10"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	err := prepare(context.Background())
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	if controlPlane != nil {
		if err := controlPlane.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return code
}

func prepare(ctx context.Context) (err error) {
	if controlPlane, err = lab.StartControlPlane(ctx, lab.WithCRDs("../../config/crd/bases")); err != nil {
		return err
	}
	if admin, err = client.NewWithWatch(controlPlane.Config, client.Options{Scheme: newScheme()}); err != nil {
		return err
	}
	if operatorConfig, err = controlPlane.UserConfig(operatorUser); err != nil {
		return err
	}
	if _, err := controlPlane.Kubectl(ctx, "create", "namespace", operatorNamespace); err != nil {
		return err
	}
	_, err = controlPlane.Kubectl(ctx, "apply", "--server-side", "-k", "../../config/rbac")
	return err
}
