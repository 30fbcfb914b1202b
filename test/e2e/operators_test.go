// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// stopTimeout bounds the stop of an operator.
const stopTimeout = 30 * time.Second

// operators are the replicas of the operator that run. The tests that stop and
// start them run one at a time.
type operators struct {
	running []*lab.Process
	started int
}

// start starts one more replica on the node, from its ServiceAccount and with
// the arguments of its Deployment. All of them write to bin/log.
func (o *operators) start(ctx context.Context) error {
	program := filepath.Join(root, "bin", "manager")
	if _, err := os.Stat(program); err != nil {
		return fmt.Errorf(`no manager: %w: run "make build"`, err)
	}
	logs := filepath.Join(root, "bin", "log")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return err
	}
	kubeconfig, err := cluster.ServiceAccountKubeconfig(ctx, operatorNamespace, operatorAccount)
	if err != nil {
		return err
	}
	o.started++
	log := filepath.Join(logs, fmt.Sprintf("e2e-manager-%d.log", o.started))
	p, err := cluster.Node.StartProcess("the operator", log, program,
		"--kubeconfig="+kubeconfig, "--leader-elect=true", "--leader-election-namespace="+operatorNamespace,
		"--health-probe-bind-address=0", "--metrics-bind-address=0")
	if err != nil {
		return err
	}
	o.running = append(o.running, p)
	return nil
}

// kill ends the replica that was started first, as a crash would.
func (o *operators) kill() error {
	p := o.running[0]
	o.running = slices.Delete(o.running, 0, 1)
	return p.Kill()
}

// stop stops all of them in order.
func (o *operators) stop() error {
	var failed error
	for _, p := range o.running {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		failed = errors.Join(failed, p.Stop(ctx))
		cancel()
	}
	o.running = nil
	return failed
}
