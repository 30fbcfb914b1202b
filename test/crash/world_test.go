// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/invariant"
	"github.com/breakwater-dev/breakwater/test/lab"
	"github.com/breakwater-dev/breakwater/test/observer"
)

const (
	// patience is how long a test waits for what must happen. It is no assertion about speed.
	patience = 60 * time.Second
	// slack is how far a region's times may be off what the operator saw, on a busy machine.
	slack = 400 * time.Millisecond
)

// names of the regions of every world, in the order of preference.
var names = []string{"us-east", "eu-west", "ap-south"}

var worlds atomic.Int32

// world is a namespace of its own with regions and an observer.
type world struct {
	t        *testing.T
	ctx      context.Context
	number   int32
	ns       string
	logs     string
	observer *observer.Observer
	regions  map[string]*lab.Region
	healthy  map[string]bool
	last     *operator // the newest one

	mu   sync.Mutex
	acts []time.Time
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, llmv1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			panic(err) // two types of one name: cannot be put right at run time
		}
	}
	return scheme
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, ctx: t.Context(), number: worlds.Add(1), logs: t.TempDir(),
		regions: map[string]*lab.Region{}, healthy: map[string]bool{},
	}
	t.Cleanup(w.tellHowToRepeat)
	w.ns = fmt.Sprintf("world-%d", w.number)
	if err := admin.Create(w.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.ns}}); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.observer, err = observer.Start(w.ctx, admin, w.ns); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.observer.Stop)
	for _, name := range names {
		r, err := lab.NewRegion(w.address(name)+":8000", lab.WithLog())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		w.regions[name], w.healthy[name] = r, true
	}
	return w
}

// tellHowToRepeat says how to run what has failed alone, and what the operator said.
func (w *world) tellHowToRepeat() {
	if w.t.Failed() && w.last != nil {
		w.t.Logf("to run just this: cd test && go test -race -run '^%s$' ./crash\nthe last words of the %s:\n%s",
			strings.ReplaceAll(w.t.Name(), "/", "$/^"), w.last.name, w.last.tail())
	}
}

// hold waits until the test releases what it holds, or ends.
func (w *world) hold(release <-chan struct{}) {
	select {
	case <-release:
	case <-w.ctx.Done():
	}
}

// address returns the address of a region of this world.
func (w *world) address(region string) string {
	return fmt.Sprintf("10.%d.%d.%d", 1+w.number/250, w.number%250, 10+slices.Index(names, region))
}

// set makes a region healthy or not.
func (w *world) set(region string, healthy bool) {
	w.t.Helper()
	behaviour := lab.Healthy()
	if !healthy {
		behaviour = lab.Status(http.StatusServiceUnavailable)
	}
	if err := w.regions[region].Set(behaviour); err != nil {
		w.t.Fatal(err)
	}
	w.healthy[region] = healthy
}

// acting notes that a person changes something now.
func (w *world) acting() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acts = append(w.acts, time.Now())
}

func (w *world) create(b *llmv1alpha1.LLMBackend) {
	w.t.Helper()
	b.Namespace = w.ns
	w.acting()
	if err := admin.Create(w.ctx, b.DeepCopy()); err != nil {
		w.t.Error(err)
	}
}

// remove deletes an LLMBackend.
func (w *world) remove(name string) {
	w.t.Helper()
	w.acting()
	b := &llmv1alpha1.LLMBackend{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.ns}}
	if err := admin.Delete(w.ctx, b); err != nil {
		w.t.Error(err)
	}
}

// change changes an LLMBackend as a person would.
func (w *world) change(name string, f func(*llmv1alpha1.LLMBackend)) {
	w.t.Helper()
	before := &llmv1alpha1.LLMBackend{}
	if err := admin.Get(w.ctx, client.ObjectKey{Namespace: w.ns, Name: name}, before); err != nil {
		w.t.Error(err)
		return
	}
	after := before.DeepCopy()
	f(after)
	w.acting()
	if err := admin.Patch(w.ctx, after, client.MergeFrom(before)); err != nil {
		w.t.Error(err)
	}
}

func (w *world) annotate(name string, pairs ...string) {
	w.t.Helper()
	w.change(name, func(b *llmv1alpha1.LLMBackend) {
		for pair := range slices.Chunk(pairs, 2) {
			metav1.SetMetaDataAnnotation(&b.ObjectMeta, pair[0], pair[1])
		}
	})
}

// await waits until the world is as wanted.
func (w *world) await(what string, wanted func(observer.State) bool) observer.State {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	state, err := w.observer.Await(ctx, wanted)
	if err != nil {
		w.t.Fatalf("not %s within %s: %v\n%s", what, patience, err, w.normal(state))
	}
	return state
}

// awaitPublished waits until the region is active, published and confirmed.
func (w *world) awaitPublished(name, region string) {
	w.t.Helper()
	w.await("published with region "+region, published(name, region))
}

func published(name, region string) func(observer.State) bool {
	return func(s observer.State) bool {
		b := s.Backends[name]
		return b != nil && b.Status.ActiveRegion == region &&
			b.Status.PublishedSeq != nil && *b.Status.PublishedSeq == b.Status.ActiveSeq
	}
}

// awaitProbes waits until n more probes have reached each region that is named.
func (w *world) awaitProbes(n int, regions ...string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	const path = "/health"
	for _, name := range regions {
		r := w.regions[name]
		if err := r.WaitRequests(ctx, path, r.Requests()[path]+n); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) backendOf(name string) *llmv1alpha1.LLMBackend {
	state, _, _ := w.observer.Look()
	return state.Backends[name]
}

// normal is the state without what differs between two worlds.
func (w *world) normal(state observer.State) string {
	// On a busy machine a region that answers 503 may be too slow to say so.
	words := map[string]string{w.ns: "<namespace>", "Timeout": "Status503"}
	for _, region := range names {
		words[w.address(region)] = "<address of " + region + ">"
	}
	text, err := state.Normal(words)
	if err != nil {
		w.t.Error(err)
	}
	return text
}

// collectGarbage does until the end of the test what Kubernetes does to objects whose owner is gone.
func (w *world) collectGarbage() {
	ctx, cancel := context.WithCancel(w.ctx)
	var collecting sync.WaitGroup
	collecting.Go(func() {
		for ctx.Err() == nil {
			state, changed, err := w.observer.Look()
			if err != nil {
				w.t.Error(err)
				return
			}
			if err := collect(ctx, state); err != nil && ctx.Err() == nil {
				w.t.Errorf("collecting garbage: %v", err)
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
	})
	w.t.Cleanup(func() {
		cancel()
		collecting.Wait()
	})
}

func collect(ctx context.Context, state observer.State) error {
	alive := map[types.UID]bool{}
	for _, b := range state.Backends {
		alive[b.UID] = true
	}
	var objects []client.Object
	for _, s := range state.Services {
		objects = append(objects, s)
	}
	for _, s := range state.Slices {
		objects = append(objects, s)
	}
	for _, o := range objects {
		owner := metav1.GetControllerOf(o)
		if owner == nil || alive[owner.UID] {
			continue
		}
		// The state may be older than an owner: whether this one is gone is asked of the API server itself.
		b := &llmv1alpha1.LLMBackend{}
		err := admin.Get(ctx, client.ObjectKey{Namespace: o.GetNamespace(), Name: owner.Name}, b)
		if client.IgnoreNotFound(err) != nil {
			return err
		}
		if err == nil && b.UID == owner.UID {
			continue
		}
		uid := o.GetUID()
		version := o.GetResourceVersion()
		err = admin.Delete(ctx, o.DeepCopyObject().(client.Object), client.Preconditions{UID: &uid, ResourceVersion: &version})
		if err := ignoreMoved(err); err != nil {
			return err
		}
	}
	return nil
}

// story is what happened in the world beside what is stored.
func (w *world) story(restarts []observer.Restart) observer.Story {
	s := observer.Story{Restarts: slices.Clone(restarts), Acts: w.acts, Slack: slack}
	for _, name := range slices.Sorted(maps.Keys(w.regions)) {
		for _, request := range w.regions[name].Log() {
			a := invariant.Answer{
				Region: name, Started: request.Arrived, Finished: request.Ended, Class: invariant.Success,
			}
			if request.Behaviour.Mode == lab.ModeStatus {
				a.Class = invariant.Failure
			}
			if !request.Ended.IsZero() {
				s.Answers = append(s.Answers, a)
			}
		}
	}
	return s
}
