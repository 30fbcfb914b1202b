// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// stopTimeout bounds the stop of an operator.
const stopTimeout = time.Minute

// operator is one of those that run.
type operator struct {
	*lab.Process

	shard int
}

func (o operator) metricsAddress() string  { return fmt.Sprintf("127.0.0.1:%d", 8080+o.shard) }
func (o operator) profilesAddress() string { return fmt.Sprintf("127.0.0.1:%d", 6060+o.shard) }

// startOperators starts bin/manager with the flags of its manifests, as far as numbers depend on them, once for each
// shard.
func (w *world) startOperators() error {
	kubeconfig, err := w.control.operatorKubeconfig()
	if err != nil {
		return err
	}
	for shard := range w.shards {
		o := operator{shard: shard}
		flags := []string{
			"--kubeconfig=" + kubeconfig, "--leader-elect=false", "--health-probe-bind-address=0",
			"--metrics-bind-address=" + o.metricsAddress(), "--metrics-auth=None", "--pprof-bind-address=" + o.profilesAddress(),
			fmt.Sprintf("--max-concurrent-reconciles=%d", w.concurrency/w.shards),
			fmt.Sprintf("--max-probe-connections=%d", 2*w.backends), // so that a mass failover can hold one probe of each
			"--namespaces=" + shardNamespace(shard),                 // so that it does not see what the bare client writes beside it
		}
		log := filepath.Join(w.dir, fmt.Sprintf("manager-%d.log", shard))
		if o.Process, err = lab.StartProcess("the operator", log, filepath.Join(w.root, "bin", "manager"), flags...); err != nil {
			return err
		}
		w.operators = append(w.operators, o)
	}
	return nil
}

func (w *world) stopOperators(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	operators := w.operators
	w.operators = nil
	var errs []error
	for _, o := range operators {
		errs = append(errs, o.Stop(ctx))
	}
	return errors.Join(errs...)
}

// cpu reads who has used how much CPU.
func (w *world) cpu() (cpuSplit, error) {
	apiServer, etcd, err := w.control.cpu()
	if err != nil {
		return cpuSplit{}, err
	}
	bench, err := cpuTime(os.Getpid())
	if err != nil {
		return cpuSplit{}, err
	}
	split := cpuSplit{APIServer: apiServer.Seconds(), Etcd: etcd.Seconds(), Bench: bench.Seconds()}
	for _, o := range w.operators {
		used, err := cpuTime(o.PID())
		if err != nil {
			return cpuSplit{}, err
		}
		split.Operator += used.Seconds()
	}
	return split, nil
}

// memoryMiB is a field of /proc/<pid>/status of the operator with the most.
func (w *world) memoryMiB(field string) (most float64, err error) {
	for _, o := range w.operators {
		of, err := memoryMiB(o.PID(), field)
		if err != nil {
			return 0, err
		}
		most = max(most, of)
	}
	return most, nil
}

func (w *world) openSockets() (int, error) {
	return w.sum(func(o operator) (int, error) { return openSockets(o.PID()) })
}

func (w *world) goroutines(ctx context.Context) (int, error) {
	return w.sum(func(o operator) (int, error) { return o.goroutines(ctx) })
}

// sum adds up something of all operators.
func (w *world) sum(of func(operator) (int, error)) (total int, err error) {
	for _, o := range w.operators {
		n, err := of(o)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// operatorMetrics adds up what the operators show of themselves.
func (w *world) operatorMetrics(ctx context.Context) (all operatorMetrics, err error) {
	for _, o := range w.operators {
		of, err := o.metrics(ctx)
		if err != nil {
			return operatorMetrics{}, err
		}
		all.reconciles += of.reconciles
		all.heapGoal += of.heapGoal
	}
	return all, nil
}
