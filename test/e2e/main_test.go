// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package e2e_test tests what clients see: the operator as it is deployed, a real
// kube-proxy, and calls through ClusterIPs from a node. Regions die in every way
// that their kind of server has. "make e2e" runs it.
package e2e_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// failovers is how many are measured for each row of the report.
var failovers = flag.Int("failovers", 20, "failovers to measure for each row of the report")

// The operator's ServiceAccount, as its manifests name it.
const (
	operatorNamespace = "breakwater-system"
	operatorAccount   = "breakwater-manager"
)

// cluster is what all tests share, and so is what runs on it.
var (
	cluster *lab.Cluster
	hosts   [2]*lab.Host // of the primary and of the secondary regions
	ops     *operators
	root    string
	names   *zone
)

func TestMain(m *testing.M) {
	lab.Enter()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	flag.Parse()
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	ctx := context.Background()
	err := lab.MissingForCluster(ctx)
	if err == nil {
		err = setUp(ctx)
	}
	code := 1
	if err == nil {
		code = m.Run()
	}
	if err := errors.Join(err, tearDown()); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return code
}

// setUp starts the cluster and installs what "make deploy" does, but for the
// Deployment: there are no kubelets.
func setUp(ctx context.Context) (err error) {
	if root, err = lab.RepositoryRoot(); err != nil {
		return err
	}
	if err := trustOurselves(); err != nil {
		return err
	}
	if cluster, err = lab.StartCluster(ctx, lab.WithCRDs(crds())); err != nil {
		return err
	}
	for i, name := range []string{"primary regions", "secondary regions"} {
		if hosts[i], err = cluster.Network.AddRegion(name, i+1); err != nil {
			return err
		}
	}
	if names, err = serveNames(); err != nil {
		return err
	}
	kubectl := cluster.ControlPlane.Kubectl
	if _, err := kubectl(ctx, "create", "namespace", operatorNamespace); err != nil {
		return err
	}
	if _, err := kubectl(ctx, "apply", "--server-side", "-k", filepath.Join(root, "config", "rbac")); err != nil {
		return err
	}
	ops = &operators{}
	return ops.start(ctx)
}

func tearDown() error {
	var failed error
	if ops != nil {
		failed = ops.stop()
	}
	if names != nil {
		failed = errors.Join(failed, names.close())
	}
	if cluster != nil {
		failed = errors.Join(failed, cluster.Stop())
	}
	return failed
}

func crds() string { return filepath.Join(root, "config", "crd", "bases") }
