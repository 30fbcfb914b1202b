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

// The operator's ServiceAccount and CRD, as its manifests name them.
const (
	crd               = "llmbackends.llm.breakwater.dev"
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
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	ctx := context.Background()
	// The tests wait much more than they compute. A value on the command line replaces this one.
	err := errors.Join(flag.Set("test.parallel", "10"), lab.MissingForCluster(ctx))
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

// setUp starts the cluster and installs what "make deploy" does. There are no
// kubelets, so that operators are started here.
func setUp(ctx context.Context) (err error) {
	if root, err = lab.RepositoryRoot(); err != nil {
		return err
	}
	if err := trustOurselves(); err != nil {
		return err
	}
	fmt.Println("starting a control plane and a node")
	if cluster, err = lab.StartCluster(ctx); err != nil {
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
	fmt.Println("installing Breakwater")
	if err := install(ctx); err != nil {
		return err
	}
	ops = &operators{}
	return ops.start(ctx)
}

// install applies config/default, and waits until the API server knows the kind.
func install(ctx context.Context) error {
	kubectl := cluster.ControlPlane.Kubectl
	if _, err := kubectl(ctx, "apply", "--server-side", "-k", filepath.Join(root, "config", "default")); err != nil {
		return err
	}
	_, err := kubectl(ctx, "wait", "--for=condition=Established", "--timeout=60s", "crd/"+crd)
	return err
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
