// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"maps"
	"time"

	"go.opentelemetry.io/otel/trace"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/credentials"
	"github.com/breakwater-dev/breakwater/internal/metrics"
	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/internal/signals/prometheus"
	"github.com/breakwater-dev/breakwater/internal/traffic"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// indexService is the cache's index of LLMBackends and EndpointSlices by the Service they are for.
const indexService = "service"

// A write that failed is tried again after a time that doubles between these bounds. The upper one is low,
// because traffic may be waiting for it when the API server comes back.
const (
	retryFirst = 20 * time.Millisecond
	retryLast  = 3 * time.Second
)

// requestsLast bounds what one reconcile waits for the API server. A request that has no answer by then is given up,
// and what became of it is looked up by the next, on another connection if this one is dead.
const requestsLast = 5 * time.Second

// Options of the controller.
type Options struct {
	// MaxConcurrentReconciles is how many LLMBackends are written at the same time; 0 means 1.
	MaxConcurrentReconciles int
	// MaxFailoversPerSecond is how many LLMBackends failovers and failbacks move in a second; 0 means any number.
	MaxFailoversPerSecond float64
	// MaxProbeConnections bounds the connections of all probes; 0 means [probe.DefaultMaxConnections].
	MaxProbeConnections int
	// Lookup resolves the host names of endpoints.
	Lookup probe.Lookup
	// ResolverTTL is how long addresses are used if Lookup does not say how long they hold; 0 means
	// [probe.DefaultTTL].
	ResolverTTL time.Duration
	// Dial replaces the direct TCP connections of probes; nil means those.
	Dial probe.Dial
	// Ranges say which addresses regions may have.
	Ranges probe.Ranges
	// Credentials says how often what probes use is read again.
	Credentials credentials.Options
	// PrometheusServers are those that LLMBackends may have asked; see [prometheus.ParseServers].
	PrometheusServers []string
	// Intake says where outcomes of real traffic are taken; nil means nowhere.
	Intake *IntakeOptions
	// Metrics is where the metrics are registered; nil for nowhere.
	Metrics metrics.Registerer
	// Tracing takes spans of reconciles and probes; nil for none.
	Tracing trace.TracerProvider
}

func (o Options) tracer() trace.Tracer {
	if o.Tracing == nil {
		return nil
	}
	return o.Tracing.Tracer(scopeName)
}

// Add adds the controller to a manager.
func Add(mgr ctrl.Manager, opts Options) error {
	live, err := liveReader(mgr)
	if err != nil {
		return err
	}
	clusterIPs, apiServers := newClusterIPs(), newAPIServers(mgr.GetConfig().Host)
	resolver := probe.NewResolver(opts.Lookup, opts.ResolverTTL)
	prober := probe.New(resolver, probe.Options{
		MaxConnections: opts.MaxProbeConnections, Dial: opts.Dial,
		Check: probe.Checks(clusterIPs.Check, apiServers.Check, opts.Ranges.Check),
	})
	meter := newMeter()
	r := &Reconciler{
		Client:      mgr.GetClient(),
		Live:        live,
		Publisher:   &traffic.Publisher{Client: mgr.GetClient(), Live: live, Conflicted: func() { meter.Conflict(metrics.KindEndpointSlice) }},
		Prober:      prober,
		Permits:     prober.Permits,
		Credentials: credentials.NewStore(live, opts.Credentials),
		Prometheus:  prometheus.NewClient(opts.PrometheusServers),
		Meter:       meter,
		Tracer:      opts.tracer(),
		backends:    newRegistry(),
		turns:       newTurns(opts.MaxFailoversPerSecond, meter.MovesWaiting),
	}
	if err := registerMetrics(opts.Metrics, r); err != nil {
		return err
	}
	r.grants = newGrants(mgr.GetCache(), r.queueReferringInto)
	if err := mgr.Add(manager.RunnableFunc(r.grants.run)); err != nil {
		return err
	}
	recorder := newPacedRecorder(mgr.GetEventRecorder("breakwater"), r.busy)
	if err := mgr.Add(recorder); err != nil {
		return err
	}
	recorder.dropped = meter.EventDropped
	r.Recorder = recorder
	if err := mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		<-ctx.Done()
		r.backends.stop()
		resolver.Close()
		r.Credentials.Close()
		r.Prometheus.Close()
		return nil
	})); err != nil {
		return err
	}
	if opts.Intake != nil {
		if err := r.addIntake(mgr, *opts.Intake); err != nil {
			return fmt.Errorf("add the intake of outcomes: %w", err)
		}
	}
	if err := r.addHealthChecks(mgr); err != nil {
		return fmt.Errorf("add health checks: %w", err)
	}
	return r.watch(mgr, clusterIPs, apiServers, opts.MaxConcurrentReconciles)
}

// liveReader reads past the cache. It does not log that Endpoints are deprecated: they are read just because
// they may still be there.
func liveReader(mgr ctrl.Manager) (client.Reader, error) {
	config := rest.CopyConfig(mgr.GetConfig())
	config.WarningHandlerWithContext = rest.NoWarnings{}
	live, err := client.New(config, client.Options{HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper()})
	if err != nil {
		return nil, fmt.Errorf("create live reader: %w", err)
	}
	return live, nil
}

// watch wires the Reconciler to what it watches.
func (r *Reconciler) watch(mgr ctrl.Manager, clusterIPs, apiServers *addressSet, concurrency int) error {
	ctx := context.Background()
	if err := index(ctx, mgr); err != nil {
		return err
	}
	services, err := follow(ctx, mgr, &corev1.Service{}, clusterIPs)
	if err != nil {
		return fmt.Errorf("watch cluster IPs: %w", err)
	}
	slices, err := follow(ctx, mgr, &discoveryv1.EndpointSlice{}, apiServers)
	if err != nil {
		return fmt.Errorf("watch the API server's addresses: %w", err)
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(&llmv1alpha1.LLMBackend{}, builder.WithPredicates(r.urgent())).
		Watches(&llmv1alpha1.LLMBackend{}, r.queueBehindMoves()).
		Watches(&llmv1alpha1.LLMBackend{}, handler.EnqueueRequestsFromMapFunc(r.rivals), builder.WithPredicates(comesOrGoes())).
		Watches(&corev1.Service{}, handler.EnqueueRequestsFromMapFunc(r.ofService)).
		Watches(&discoveryv1.EndpointSlice{}, handler.EnqueueRequestsFromMapFunc(r.ofSlice), builder.WithPredicates(r.notAsPublished())).
		Watches(&corev1.Service{}, handler.EnqueueRequestsFromMapFunc(r.referringToService)).
		Watches(&discoveryv1.EndpointSlice{}, handler.EnqueueRequestsFromMapFunc(r.referringToSlice)).
		WatchesRawSource(source.Func(r.takeQueue)).
		WatchesRawSource(awaitFirst(services)).
		WatchesRawSource(awaitFirst(slices)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: concurrency,
			ReconciliationTimeout:   requestsLast,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](retryFirst, retryLast),
		}).
		Complete(r.traced())
}

// follow keeps a set of addresses up to date from an informer on objects of a kind.
func follow(ctx context.Context, mgr ctrl.Manager, kind client.Object, set *addressSet) (toolscache.ResourceEventHandlerRegistration, error) {
	informer, err := mgr.GetCache().GetInformer(ctx, kind)
	if err != nil {
		return nil, err
	}
	return informer.AddEventHandler(set.Handler())
}

// awaitFirst keeps reconciles, and so probes, from beginning before a handler has seen all that there is.
func awaitFirst(handled toolscache.ResourceEventHandlerRegistration) source.Source {
	return source.Func(func(ctx context.Context, _ workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		toolscache.WaitForCacheSync(ctx.Done(), handled.HasSynced)
		return nil
	})
}

func index(ctx context.Context, mgr ctrl.Manager) error {
	indexer := mgr.GetFieldIndexer()
	if err := indexer.IndexField(ctx, &llmv1alpha1.LLMBackend{}, indexService, func(o client.Object) []string {
		return []string{translate.ServiceName(o.(*llmv1alpha1.LLMBackend))}
	}); err != nil {
		return fmt.Errorf("index LLMBackends: %w", err)
	}
	if err := indexer.IndexField(ctx, &llmv1alpha1.LLMBackend{}, indexReferenced, referencedServices); err != nil {
		return fmt.Errorf("index LLMBackends by the Services they refer to: %w", err)
	}
	if err := indexer.IndexField(ctx, &discoveryv1.EndpointSlice{}, indexService, func(o client.Object) []string {
		return []string{o.GetLabels()[discoveryv1.LabelServiceName]}
	}); err != nil {
		return fmt.Errorf("index EndpointSlices: %w", err)
	}
	return nil
}

// takeQueue keeps the work queue for the decisions that ask for a reconcile.
func (r *Reconciler) takeQueue(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	r.queue = func(key client.ObjectKey) { queue.Add(reconcile.Request{NamespacedName: key}) }
	length := queue.Len
	r.waiting.Store(&length)
	r.pulse.start(r.queue)
	return nil
}

// busy says whether reconciles wait for others to end.
func (r *Reconciler) busy() bool {
	length := r.waiting.Load()
	return length != nil && (*length)() > 0
}

// urgency is how soon something that the watch brings of an LLMBackend is to be looked at.
type urgency int

const (
	never urgency = iota
	behindMoves
	atOnce
)

// urgencyOf says how soon an update is to be looked at: at once if it is about what is wished or is a sign that a backup
// was restored; never if it is the echo of the operator's own write, or nothing has changed. What else has changed in the
// status alone waits behind moves: most of it is an echo too, of a write whose answer the watch has overtaken.
func (r *Reconciler) urgencyOf(u event.UpdateEvent) urgency {
	e := r.backends.get(client.ObjectKeyFromObject(u.ObjectNew))
	if e != nil && e.putBack(u) {
		e.doubted.Store(true)
		return atOnce
	}
	if u.ObjectOld.GetResourceVersion() == u.ObjectNew.GetResourceVersion() {
		return never // the cache was filled anew, or told again what it has
	}
	if e == nil || u.ObjectOld.GetGeneration() != u.ObjectNew.GetGeneration() ||
		!maps.Equal(u.ObjectOld.GetAnnotations(), u.ObjectNew.GetAnnotations()) {
		return atOnce
	}
	e.seen(u.ObjectNew.GetResourceVersion())
	if e.isEcho(u.ObjectNew.GetResourceVersion()) {
		return never
	}
	return behindMoves
}

// urgent passes what cannot wait.
func (r *Reconciler) urgent() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(u event.UpdateEvent) bool { return r.urgencyOf(u) == atOnce }}
}

// queueBehindMoves queues what can wait behind moves.
func (r *Reconciler) queueBehindMoves() handler.EventHandler {
	return handler.Funcs{
		UpdateFunc: func(_ context.Context, u event.UpdateEvent, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
			if r.urgencyOf(u) != behindMoves {
				return
			}
			request := reconcile.Request{NamespacedName: client.ObjectKeyFromObject(u.ObjectNew)}
			if q, ok := queue.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
				q.AddWithOpts(priorityqueue.AddOpts{Priority: new(confirmPriority)}, request)
				return
			}
			queue.Add(request)
		},
	}
}

// comesOrGoes passes what can change who owns a Service.
func comesOrGoes() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(u event.UpdateEvent) bool {
		return u.ObjectOld.GetUID() != u.ObjectNew.GetUID() ||
			u.ObjectOld.GetDeletionTimestamp().IsZero() != u.ObjectNew.GetDeletionTimestamp().IsZero()
	}}
}

// rivals returns the other LLMBackends that want the same Service.
func (r *Reconciler) rivals(ctx context.Context, o client.Object) []reconcile.Request {
	b := o.(*llmv1alpha1.LLMBackend)
	var others []reconcile.Request
	for _, request := range r.interested(ctx, b.Namespace, translate.ServiceName(b)) {
		if request.Name != b.Name {
			others = append(others, request)
		}
	}
	return others
}

func (r *Reconciler) ofService(ctx context.Context, o client.Object) []reconcile.Request {
	return r.interested(ctx, o.GetNamespace(), o.GetName())
}

func (r *Reconciler) ofSlice(ctx context.Context, o client.Object) []reconcile.Request {
	return r.interested(ctx, o.GetNamespace(), o.GetLabels()[discoveryv1.LabelServiceName])
}

// interested returns the LLMBackends that publish behind the Service, and notes that it, or its slices, may
// have been changed by others.
func (r *Reconciler) interested(ctx context.Context, namespace, service string) []reconcile.Request {
	list := &llmv1alpha1.LLMBackendList{}
	if err := r.Client.List(ctx, list, client.InNamespace(namespace),
		client.MatchingFields{indexService: service}, client.UnsafeDisableDeepCopy); err != nil {
		return nil // the cache has stopped
	}
	var requests []reconcile.Request
	for i := range list.Items {
		key := types.NamespacedName{Namespace: namespace, Name: list.Items[i].Name}
		if e := r.backends.get(key); e != nil {
			e.untrusted.Store(true)
		}
		requests = append(requests, reconcile.Request{NamespacedName: key})
	}
	return requests
}

// notAsPublished drops the slices that are just as they were published.
func (r *Reconciler) notAsPublished() predicate.Predicate {
	news := func(o client.Object) bool { return !r.backends.published(o.(*discoveryv1.EndpointSlice)) }
	return predicate.Funcs{
		CreateFunc: func(c event.CreateEvent) bool { return news(c.Object) },
		UpdateFunc: func(u event.UpdateEvent) bool { return news(u.ObjectNew) },
	}
}
