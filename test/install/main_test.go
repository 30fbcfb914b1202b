// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package install_test installs Breakwater on a real API server in each of the documented ways, and tests what
// the installed objects let the operator and people do. There is no kubelet: what the Pods would run is run
// beside them, as their ServiceAccount.
package install_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// installed is the cluster with config/default, which the tests share that change nothing of it.
var installed *cluster

func TestMain(m *testing.M) {
	lab.Enter()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	dir, err := os.MkdirTemp("", "install-")
	if err == nil {
		installed, err = startCluster(context.Background(), dir)
	}
	if err == nil {
		err = installed.apply(context.Background(), "config/default")
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	if installed != nil {
		if err := installed.controlPlane.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	return code
}

// inRepository returns the path of a file or folder of the repository.
func inRepository(path string) string {
	return filepath.Join("..", "..", path)
}
