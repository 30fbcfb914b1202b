// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
	"github.com/breakwater-dev/breakwater/test/load"
)

// patience is how long a test waits for what must happen. It is no assertion
// about speed.
const patience = 60 * time.Second

// The regions of a world, and its LLMBackend.
const (
	primary   = "us-east"
	secondary = "eu-west"
	name      = "chat"
)

var worlds atomic.Int32

// world is a namespace with an LLMBackend over two regions, and a client.
type world struct {
	t        *testing.T
	number   int32
	ns       string
	client   client.WithWatch
	calls    *load.Client // nil before call
	patience time.Duration
}

func newWorld(t *testing.T) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), llmv1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	c, err := client.NewWithWatch(cluster.ControlPlane.Config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, number: worlds.Add(1), client: c, patience: patience}
	w.ns = fmt.Sprintf("world-%d", w.number)
	w.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.ns}})
	return w
}

func (w *world) create(o client.Object) {
	w.t.Helper()
	if err := w.client.Create(w.t.Context(), o); err != nil {
		w.t.Fatal(err)
	}
}

// addr is where the n-th server of a region's host serves this world.
func (w *world) addr(host, n int) string {
	return fmt.Sprintf("10.%d.%d.%d:8000", host+1, w.number, 10+n)
}

// admin is where regionProcess lets itself be asked and told.
func (w *world) admin(host int) string { return strings.TrimSuffix(w.addr(host, 0), "8000") + "9000" }

// region starts a region in this process.
func (w *world) region(host, n int, opts ...lab.RegionOption) *lab.Region {
	w.t.Helper()
	r, err := hosts[host].NewRegion(w.addr(host, n), append(opts, lab.WithName([]string{primary, secondary}[host]))...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(r.Close)
	return r
}

// regionProcess starts a region in a process of its own, which can be killed and
// frozen, and waits until it serves.
func (w *world) regionProcess(host int) *lab.Process {
	w.t.Helper()
	region, addr, admin := []string{primary, secondary}[host], w.addr(host, 0), w.admin(host)
	p, err := hosts[host].StartProcess("region "+region, filepath.Join(w.t.TempDir(), region),
		filepath.Join(root, "bin", "region"), "--name", region, "--listen", addr, "--admin", admin)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = p.Kill() })
	w.eventually("region "+region+" serves", func() bool {
		_, err := lab.ReadState(w.t.Context(), admin)
		return err == nil
	})
	return p
}

// backend is one over both regions with settings that make tests short, and with
// which nothing moves twice.
func (w *world) backend() *llmv1alpha1.LLMBackend {
	url := func(host int) llmv1alpha1.Endpoint { return llmv1alpha1.Endpoint{URL: "http://" + w.addr(host, 0)} }
	return &llmv1alpha1.LLMBackend{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.ns},
		Spec: llmv1alpha1.LLMBackendSpec{
			Primary:     llmv1alpha1.Region{Name: primary, Endpoint: url(0)},
			Secondaries: []llmv1alpha1.Region{{Name: secondary, Endpoint: url(1)}},
			Probe:       llmv1alpha1.ProbeSpec{Period: "1s", SuspectPeriod: "250ms", Timeout: "1s"},
			Breaker:     llmv1alpha1.BreakerSpec{FailureThreshold: 3, OpenDuration: "1h"},
			Failover:    llmv1alpha1.FailoverSpec{MinDuration: "1h"},
		},
	}
}

// call has a client on the node call the Service from now on, as soon as it is
// answered. What it failed before that is forgotten.
func (w *world) call(edits ...func(*load.Options)) {
	w.t.Helper()
	var service corev1.Service
	w.eventually("the Service exists", func() bool {
		return w.client.Get(w.t.Context(), client.ObjectKey{Namespace: w.ns, Name: name}, &service) == nil
	})
	o := load.Options{
		URL:      "http://" + service.Spec.ClusterIP,
		Dial:     cluster.Node.DialContext,
		Interval: 50 * time.Millisecond, Timeout: 2 * time.Second,
	}
	for _, edit := range edits {
		edit(&o)
	}
	warmUp := load.Start(w.t.Context(), o)
	w.eventually("a region answers through the ClusterIP", func() bool {
		regions, _ := warmUp.Record().Answers()
		return len(regions) > 0
	})
	warmUp.Stop()
	w.calls = load.Start(w.t.Context(), o)
	w.t.Cleanup(func() { w.calls.Stop() })
}

// awaitAnswer waits until a call that started at a time or later was answered by
// a region, and returns all calls since then.
func (w *world) awaitAnswer(region string, since time.Time) load.Record {
	w.t.Helper()
	var record load.Record
	w.eventually(region+" answers through the ClusterIP", func() bool {
		record = w.calls.Record().Since(since)
		regions, _ := record.Answers()
		return regions[region] > 0
	})
	return record
}

// awaitCalls waits until the client has made n more calls.
func (w *world) awaitCalls(n int) load.Record {
	w.t.Helper()
	since := time.Now()
	var record load.Record
	w.eventually(strconv.Itoa(n)+" more calls", func() bool {
		record = w.calls.Record().Since(since)
		return len(record) >= n
	})
	return record
}

// wantNoErrors says what a client saw that must not have noticed anything.
func (w *world) wantNoErrors() {
	w.t.Helper()
	if record := w.calls.Record(); record.Longest().Failed > 0 || len(record) == 0 {
		w.t.Errorf("the client saw %s (%v); want no errors", record, record.Longest().Err)
	}
}

func (w *world) get() *llmv1alpha1.LLMBackend {
	w.t.Helper()
	var b llmv1alpha1.LLMBackend
	if err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: w.ns, Name: name}, &b); err != nil {
		w.t.Fatal(err)
	}
	return &b
}

// awaitActive waits until a region is active and published.
func (w *world) awaitActive(region string) *llmv1alpha1.LLMBackend {
	w.t.Helper()
	var b llmv1alpha1.LLMBackend
	w.eventually(region+" is active and published", func() bool {
		err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: w.ns, Name: name}, &b)
		return err == nil && b.Status.ActiveRegion == region &&
			b.Status.PublishedSeq != nil && *b.Status.PublishedSeq == b.Status.ActiveSeq
	})
	return &b
}

// kubectl runs kubectl as an administrator.
func (w *world) kubectl(args ...string) string {
	w.t.Helper()
	out, err := cluster.ControlPlane.Kubectl(w.t.Context(), args...)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// eventually waits until something is so. When it does not become so, it says
// what the status is and what the client saw.
func (w *world) eventually(what string, so func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), w.patience)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case <-look.C:
		case <-ctx.Done():
			var b llmv1alpha1.LLMBackend
			err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: w.ns, Name: name}, &b)
			status, _ := yaml.Marshal(b.Status)
			seen := load.Record(nil)
			if w.calls != nil {
				seen = w.calls.Record()
			}
			w.t.Fatalf("not within %s: %s\nclient: %s (%v)\nstatus (%v):\n%s", w.patience, what, seen, seen.Longest().Err, err, status)
		}
	}
}
