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
	"sync"
	"time"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// stopTimeout bounds the stop of an operator.
const stopTimeout = 30 * time.Second

// restartDelay is how long a replica that has ended stays so, as with a kubelet.
const restartDelay = time.Second

// operators are the replicas of the operator. One that ends is started again.
// The tests that have any end run one at a time.
type operators struct {
	replicas []*replica
}

// replica is a process on the node that is started again when it ends.
type replica struct {
	arguments []string
	log       string
	stopping  chan struct{}
	done      chan struct{}

	mu      sync.Mutex
	process *lab.Process
}

// start starts one more replica, from its ServiceAccount and with the arguments
// of its Deployment. It writes to bin/log.
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
	r := &replica{
		arguments: []string{
			program, "--kubeconfig=" + kubeconfig, "--leader-elect=true", "--leader-election-namespace=" + operatorNamespace,
			"--health-probe-bind-address=0", "--metrics-bind-address=0",
		},
		log:      filepath.Join(logs, fmt.Sprintf("e2e-manager-%d.log", len(o.replicas)+1)),
		stopping: make(chan struct{}),
		done:     make(chan struct{}),
	}
	if err := r.start(); err != nil {
		return err
	}
	o.replicas = append(o.replicas, r)
	go r.supervise()
	return nil
}

// kill ends the replica that was started first, as a crash would, and leaves it
// to be started again.
func (o *operators) kill() error { return o.replicas[0].current().Kill() }

// remove ends that replica for good, as the loss of its node would.
func (o *operators) remove() error {
	r := o.replicas[0]
	o.replicas = slices.Delete(o.replicas, 0, 1)
	close(r.stopping)
	<-r.done
	return r.current().Kill()
}

// stop stops all of them in order.
func (o *operators) stop() error {
	var failed error
	for _, r := range o.replicas {
		close(r.stopping)
		<-r.done
		if r.ended() {
			continue // about to be started again, as without an API server
		}
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		failed = errors.Join(failed, r.current().Stop(ctx))
		cancel()
	}
	o.replicas = nil
	return failed
}

func (r *replica) start() error {
	p, err := cluster.Node.StartProcess("the operator", r.log, r.arguments[0], r.arguments[1:]...)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.process = p
	return nil
}

func (r *replica) current() *lab.Process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.process
}

func (r *replica) ended() bool {
	select {
	case <-r.current().Done():
		return true
	default:
		return false
	}
}

// supervise starts the process again whenever it has ended, until stopping.
func (r *replica) supervise() {
	defer close(r.done)
	for {
		select {
		case <-r.stopping:
			return
		case <-r.current().Done():
		}
		select {
		case <-r.stopping:
			return
		case <-time.After(restartDelay):
		}
		// A program that was there a moment ago can be started.
		if err := r.start(); err != nil {
			return
		}
	}
}
