// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/breakwater-dev/breakwater/test/apiproxy"
	"github.com/breakwater-dev/breakwater/test/lab"
	"github.com/breakwater-dev/breakwater/test/observer"
)

// operator is the operator's program with its connection to the API server. One process follows another.
type operator struct {
	w     *world
	name  string
	proxy *apiproxy.Proxy
	args  []string

	mu       sync.Mutex
	process  *lab.Process
	lives    int
	restarts []observer.Restart
	over     bool
}

// operator makes an operator of this world that does not run yet. The end of the test ends it.
func (w *world) operator(name string, args ...string) *operator {
	w.t.Helper()
	proxy, err := apiproxy.New(operatorConfig, w.ns)
	if err != nil {
		w.t.Fatal(err)
	}
	kubeconfig := filepath.Join(w.t.TempDir(), "kubeconfig")
	if err := proxy.WriteKubeconfig(kubeconfig); err != nil {
		w.t.Fatal(err)
	}
	o := &operator{w: w, name: name, proxy: proxy, args: append([]string{
		"--kubeconfig=" + kubeconfig, "--metrics-bind-address=0", "--health-probe-bind-address=0"}, args...)}
	w.last = o
	w.t.Cleanup(func() {
		o.end()
		proxy.Close()
	})
	return o
}

// start starts the first process.
func (o *operator) start() {
	o.w.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.startProcess(); err != nil {
		o.w.t.Fatal(err)
	}
}

func (o *operator) startProcess() error {
	root, err := lab.RepositoryRoot()
	if err != nil {
		return err
	}
	o.lives++
	log := filepath.Join(o.w.logs, fmt.Sprintf("%s-%d.log", o.name, o.lives))
	o.process, err = lab.StartProcess(o.name, log, filepath.Join(root, "bin", "manager"), o.args...)
	return err
}

// life returns the number of the process that runs.
func (o *operator) life() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lives
}

// crash kills the process of that number, unless it has been, and starts the next one.
func (o *operator) crash(life int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over || o.lives != life {
		return
	}
	if err := o.process.Kill(); err != nil {
		o.w.t.Error(err)
		return
	}
	newest, err := newestRevision(o.w)
	if err != nil {
		o.w.t.Error(err)
		return
	}
	o.restarts = append(o.restarts, observer.Restart{At: time.Now(), After: newest})
	if err := o.startProcess(); err != nil {
		o.w.t.Error(err)
	}
}

// newestRevision returns the number of the newest revision of anything.
func newestRevision(w *world) (int64, error) {
	var list corev1.ConfigMapList
	if err := admin.List(w.ctx, &list, client.InNamespace(w.ns), client.Limit(1)); err != nil {
		return 0, err
	}
	var number int64
	_, err := fmt.Sscan(list.ResourceVersion, &number)
	return number, err
}

func (o *operator) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	if o.process == nil {
		return
	}
	if err := o.process.Kill(); err != nil {
		o.w.t.Error(err)
	}
}

func (o *operator) signal(s syscall.Signal) {
	o.w.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.process.Signal(s); err != nil {
		o.w.t.Fatal(err)
	}
}

// awaitEnd waits until the process has ended by itself.
func (o *operator) awaitEnd() {
	o.w.t.Helper()
	select {
	case <-o.process.Done():
	case <-time.After(patience):
		o.w.t.Fatalf("%s has not ended within %s:\n%s", o.name, patience, o.process.Tail(20))
	}
}

// ended says whether the process has ended.
func (o *operator) ended() bool {
	select {
	case <-o.process.Done():
		return true
	default:
		return false
	}
}

// tail returns what the newest process printed last.
func (o *operator) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.process == nil {
		return ""
	}
	return o.process.Tail(12)
}

// noCrash fails the test if the process has ended by itself.
func noCrash(t *testing.T, o *operator) {
	t.Helper()
	if o.ended() {
		t.Errorf("%s has ended by itself:\n%s", o.name, o.tail())
	}
}
