// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/controller"
	"github.com/breakwater-dev/breakwater/internal/credentials"
	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// patience is how long a test waits for what must happen. It is no assertion about speed.
const patience = 30 * time.Second

var worlds atomic.Int32

// world is a namespace of its own with regions and, when it is started, an operator that sees only it.
type world struct {
	t      *testing.T
	ctx    context.Context
	number int32
	ns     string
	client client.WithWatch
	lookup probe.Lookup
	// others are the namespaces that operators see beside ns.
	others []string
	// ranges are those of operators that are started from now on.
	ranges probe.Ranges
	// prometheus are the servers that operators may ask that are started from now on.
	prometheus []string
	// transport wraps the connection to the API server of operators that are started from now on; nil for none.
	transport func(http.RoundTripper) http.RoundTripper
	// logger takes what operators log that are started from now on.
	logger logr.Logger
	stop   func()
}

func newScheme(t *testing.T) *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, llmv1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return scheme
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, ctx: t.Context(), number: worlds.Add(1), lookup: probe.DNS{}, logger: logr.Discard()}
	w.ns = fmt.Sprintf("world-%d", w.number)
	var err error
	if w.client, err = client.NewWithWatch(controlPlane.Config, client.Options{Scheme: newScheme(t)}); err != nil {
		t.Fatal(err)
	}
	w.create(&corev1.Namespace{}, w.ns, "")
	return w
}

func (w *world) create(o client.Object, name, namespace string) {
	w.t.Helper()
	o.SetName(name)
	o.SetNamespace(namespace)
	if err := w.client.Create(w.ctx, o); err != nil {
		w.t.Fatal(err)
	}
}

// address returns the n-th address for regions of this world.
func (w *world) address(n int) string {
	return fmt.Sprintf("10.%d.%d.%d", 1+w.number/250, w.number%250, 10+n)
}

// region starts the n-th region of this world.
func (w *world) region(n int) *lab.Region {
	w.t.Helper()
	r, err := lab.NewRegion(w.address(n) + ":8000")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(r.Close)
	return r
}

func (w *world) set(r *lab.Region, b lab.Behaviour) {
	w.t.Helper()
	if err := r.Set(b); err != nil {
		w.t.Fatal(err)
	}
}

// start starts an operator; stop, or the end of the test, stops it.
func (w *world) start() {
	w.t.Helper()
	connection := rest.CopyConfig(controlPlane.Config)
	connection.Wrap(w.transport)
	mgr, err := ctrl.NewManager(connection, ctrl.Options{
		Scheme:     newScheme(w.t),
		Logger:     w.logger,
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Cache:      cache.Options{DefaultNamespaces: w.namespaces()},
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := controller.Add(mgr, controller.Options{
		MaxConcurrentReconciles: 4, Lookup: w.lookup, ResolverTTL: 100 * time.Millisecond,
		Ranges: w.ranges, PrometheusServers: w.prometheus, Credentials: credentials.Options{Retry: 100 * time.Millisecond},
	}); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	running := true
	w.stop = func() {
		if !running {
			return
		}
		running = false
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("operator ended: %v", err)
		}
	}
	w.t.Cleanup(w.stop)
}

func (w *world) namespaces() map[string]cache.Config {
	seen := map[string]cache.Config{w.ns: {}}
	for _, ns := range w.others {
		seen[ns] = cache.Config{}
	}
	return seen
}

// restart stops the operator and starts another.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

func (w *world) apply(b *llmv1alpha1.LLMBackend) *llmv1alpha1.LLMBackend {
	w.t.Helper()
	w.create(b, b.Name, w.ns)
	return b
}

func (w *world) get(name string) *llmv1alpha1.LLMBackend {
	w.t.Helper()
	b := &llmv1alpha1.LLMBackend{}
	if err := w.client.Get(w.ctx, client.ObjectKey{Namespace: w.ns, Name: name}, b); err != nil {
		w.t.Fatal(err)
	}
	return b
}

// change changes an LLMBackend as a person would.
func (w *world) change(name string, f func(*llmv1alpha1.LLMBackend)) {
	w.t.Helper()
	before := w.get(name)
	after := before.DeepCopy()
	f(after)
	if err := w.client.Patch(w.ctx, after, client.MergeFrom(before)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) annotate(name string, pairs ...string) {
	w.t.Helper()
	w.change(name, func(b *llmv1alpha1.LLMBackend) {
		if b.Annotations == nil {
			b.Annotations = map[string]string{}
		}
		for i := 0; i < len(pairs); i += 2 {
			b.Annotations[pairs[i]] = pairs[i+1]
		}
	})
}

// await watches the LLMBackend until it is as wanted.
func (w *world) await(name, what string, wanted func(*llmv1alpha1.LLMBackend) bool) *llmv1alpha1.LLMBackend {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	watch, err := w.client.Watch(ctx, &llmv1alpha1.LLMBackendList{}, client.InNamespace(w.ns), client.MatchingFields{"metadata.name": name})
	if err != nil {
		w.t.Fatal(err)
	}
	defer watch.Stop()
	for event := range watch.ResultChan() {
		if b, ok := event.Object.(*llmv1alpha1.LLMBackend); ok && wanted(b) {
			return b
		}
	}
	status, _ := yaml.Marshal(w.get(name).Status)
	w.t.Fatalf("LLMBackend %s: not %s within %s; status:\n%s\nslices: %v", name, what, patience, status, w.slices())
	return nil
}

// awaitActive waits until the region is active and published.
func (w *world) awaitActive(name, region string) *llmv1alpha1.LLMBackend {
	w.t.Helper()
	return w.await(name, "published with region "+region, func(b *llmv1alpha1.LLMBackend) bool {
		return b.Status.ActiveRegion == region && published(b)
	})
}

func published(b *llmv1alpha1.LLMBackend) bool {
	return b.Status.PublishedSeq != nil && *b.Status.PublishedSeq == b.Status.ActiveSeq
}

// slices returns what the slices of the namespace show, those of Pods aside:
// "<name> <annotation's seq> <addresses>:<port>".
func (w *world) slices() []string {
	w.t.Helper()
	list := &discoveryv1.EndpointSliceList{}
	if err := w.client.List(w.ctx, list, client.InNamespace(w.ns)); err != nil {
		w.t.Fatal(err)
	}
	var shown []string
	for _, s := range list.Items {
		if ofPods(&s) {
			continue
		}
		shown = append(shown, shownBy(&s))
	}
	slices.Sort(shown)
	return shown
}

func shownBy(s *discoveryv1.EndpointSlice) string {
	_, seq, _ := strings.Cut(s.Annotations["llm.breakwater.dev/transition-seq"], "/")
	var addresses []string
	for _, e := range s.Endpoints {
		addresses = append(addresses, e.Addresses...)
	}
	var port int32
	if len(s.Ports) > 0 {
		port = *s.Ports[0].Port
	}
	return fmt.Sprintf("%s seq=%s %s:%d", s.Name, seq, strings.Join(addresses, ","), port)
}

// history returns the decision log, oldest first: "<seq> <type> <region or from->to>".
func history(b *llmv1alpha1.LLMBackend) []string {
	var log []string
	for _, t := range slices.Backward(b.Status.History) {
		about := t.Region
		if about == "" {
			about = t.From + "->" + t.To
		}
		log = append(log, fmt.Sprintf("%d %s %s", t.Seq, t.Type, about))
	}
	return log
}
