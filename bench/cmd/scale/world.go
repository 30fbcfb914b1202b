// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/bench/internal/regions"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// The operator runs as the user that its manifests give rights to, with addresses in a network of its own.
const (
	operatorNamespace = "breakwater-system"
	operatorUser      = "system:serviceaccount:breakwater-system:breakwater-manager"
	metricsAddress    = "127.0.0.1:8080"
	profilesAddress   = "127.0.0.1:6060"
	regionPort        = 8000
)

// The networks of the regions, of those that the lab's network has.
var (
	primaryNetwork   = netip.MustParsePrefix("10.1.0.0/16")
	secondaryNetwork = netip.MustParsePrefix("10.2.0.0/16")
)

// stopTimeout bounds the stop of the operator.
const stopTimeout = time.Minute

// progressInterval is how often is told how far a phase has come.
const progressInterval = 5 * time.Second

// world is everything that runs.
type world struct {
	options
	began        time.Time
	root, dir    string
	controlPlane *lab.ControlPlane
	client       client.WithWatch // of an administrator
	clientset    *kubernetes.Clientset
	regions      *regions.Server
	operator     *lab.Process // nil while it does not run
	watcher      *watcher

	apiServer, etcd int // process ids
}

// start starts everything but the operator. The caller stops the world, also after an error.
func start(ctx context.Context, o options) (*world, error) {
	w := &world{options: o, began: time.Now()}
	w.progressf("start etcd and kube-apiserver")
	return w, w.start(ctx)
}

func (w *world) start(ctx context.Context) (err error) {
	if w.root, err = lab.RepositoryRoot(); err != nil {
		return err
	}
	if w.dir, err = os.MkdirTemp("", "scale-"); err != nil {
		return err
	}
	if w.regions, err = regions.Listen(fmt.Sprintf("0.0.0.0:%d", regionPort)); err != nil {
		return err
	}
	crds := filepath.Join(w.root, "config", "crd", "bases")
	if w.controlPlane, err = lab.StartControlPlane(ctx, lab.WithCRDs(crds)); err != nil {
		return err
	}
	if w.apiServer, err = findProcess("kube-apiserver"); err != nil {
		return err
	}
	if w.etcd, err = findProcess("etcd"); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), llmv1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	if w.client, err = client.NewWithWatch(w.controlPlane.Config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	if w.clientset, err = kubernetes.NewForConfig(w.controlPlane.Config); err != nil {
		return err
	}
	for _, namespace := range []string{operatorNamespace, benchNamespace} {
		if _, err := w.controlPlane.Kubectl(ctx, "create", "namespace", namespace); err != nil {
			return err
		}
	}
	_, err = w.controlPlane.Kubectl(ctx, "apply", "--server-side", "-k", filepath.Join(w.root, "config", "rbac"))
	return err
}

// startOperator starts bin/manager with the flags of its manifests, as far as numbers depend on them.
func (w *world) startOperator() error {
	kubeconfig, err := w.controlPlane.UserKubeconfig(operatorUser)
	if err != nil {
		return err
	}
	w.operator, err = lab.StartProcess("the operator", filepath.Join(w.dir, "manager.log"), filepath.Join(w.root, "bin", "manager"),
		"--kubeconfig="+kubeconfig, "--leader-elect=false",
		"--metrics-bind-address="+metricsAddress, "--metrics-auth=None", "--health-probe-bind-address=0", "--pprof-bind-address="+profilesAddress,
		fmt.Sprintf("--max-concurrent-reconciles=%d", w.concurrency),
		fmt.Sprintf("--max-probe-connections=%d", 2*w.backends)) // so that a mass failover can hold one probe of each
	return err
}

func (w *world) stopOperator(ctx context.Context) error {
	if w.operator == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	operator := w.operator
	w.operator = nil
	return operator.Stop(ctx)
}

// stop stops everything.
func (w *world) stop() error {
	err := w.stopOperator(context.Background())
	if w.watcher != nil {
		w.watcher.stop()
	}
	if w.controlPlane != nil {
		err = errors.Join(err, w.controlPlane.Stop())
	}
	if w.regions != nil {
		err = errors.Join(err, w.regions.Close())
	}
	if w.dir != "" {
		err = errors.Join(err, os.RemoveAll(w.dir))
	}
	return err
}

// progressf tells the person who waits what is done now.
func (w *world) progressf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "scale: %6.1f s  %s\n", time.Since(w.began).Seconds(), fmt.Sprintf(format, args...))
}

// countProgress tells the person who waits how many LLMBackends have come so far, until the returned function is called.
func (w *world) countProgress(done func() int) (stop func()) {
	ended := make(chan struct{})
	var counting sync.WaitGroup
	counting.Go(func() {
		ticker := time.NewTicker(progressInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				w.progressf("  %d of %d", done(), w.backends)
			case <-ended:
				return
			}
		}
	})
	return func() {
		close(ended)
		counting.Wait()
	}
}

// cpu reads who has used how much CPU.
func (w *world) cpu() (cpuSplit, error) {
	var split cpuSplit
	var failed error
	read := func(pid int) float64 {
		t, err := cpuTime(pid)
		failed = errors.Join(failed, err)
		return t.Seconds()
	}
	split.APIServer, split.Etcd, split.Bench = read(w.apiServer), read(w.etcd), read(os.Getpid())
	if w.operator != nil {
		split.Operator = read(w.operator.PID())
	}
	return split, failed
}

// profile writes a CPU profile of the operator over d, and then one of its heap, into the folder for profiles, if
// there is one.
func (w *world) profile(ctx context.Context, name string, d time.Duration) error {
	if w.profiles == "" {
		return nil
	}
	for _, p := range []struct{ kind, query string }{
		{"cpu", fmt.Sprintf("profile?seconds=%d", int(d.Seconds()))},
		{"heap", "heap"},
	} {
		content, err := get(ctx, "http://"+profilesAddress+"/debug/pprof/"+p.query)
		if err != nil {
			return fmt.Errorf("profile the operator: %w", err)
		}
		if err := os.WriteFile(filepath.Join(w.profiles, name+"-"+p.kind+".pprof"), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
