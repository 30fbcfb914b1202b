// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package schedules

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/controller"
	"github.com/breakwater-dev/breakwater/test/schedules/apiserver"
)

// kinds is what clients need to know of the kinds that the server serves.
type kinds struct {
	scheme *runtime.Scheme
	mapper meta.RESTMapper
}

func newKinds(t *testing.T) kinds {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, llmv1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(llmv1alpha1.GroupVersion.WithKind("LLMBackend"), meta.RESTScopeNamespace)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Service"), meta.RESTScopeNamespace)
	endpoints := corev1.SchemeGroupVersion.WithResource(apiserver.Endpoints)
	mapper.AddSpecific(corev1.SchemeGroupVersion.WithKind("Endpoints"), endpoints, endpoints, meta.RESTScopeNamespace)
	mapper.Add(discoveryv1.SchemeGroupVersion.WithKind("EndpointSlice"), meta.RESTScopeNamespace)
	mapper.Add(eventsv1.SchemeGroupVersion.WithKind("Event"), meta.RESTScopeNamespace)
	return kinds{scheme, mapper}
}

// connect returns the configuration of a client whose requests go through a connection.
func connect(c *apiserver.Connection) *rest.Config {
	const json = "application/json"
	return &rest.Config{
		Host: "http://apiserver", Transport: c, QPS: -1,
		ContentConfig: rest.ContentConfig{ContentType: json, AcceptContentTypes: json},
	}
}

// operator is one running instance.
type operator struct {
	dead    atomic.Bool
	started <-chan struct{} // closed when its caches are filled
	cancel  context.CancelFunc
	ended   chan error
}

var errDead = errors.New("this operator is dead")

// startOperator starts an instance as cmd/manager does, with the one reconcile at a time that lets a schedule be
// played again.
func (w *world) startOperator() {
	w.t.Helper()
	w.instances++
	o := &operator{ended: make(chan error, 1)}
	connection := &apiserver.Connection{
		Server: w.server, Name: operatorName, Fate: w.weather.fate, Lag: w.weather.lag,
		Arrived: func(r apiserver.Request) error {
			if o.dead.Load() && (r.Writes() || isClosed(o.started)) {
				return errDead
			}
			return w.arrived(r)
		},
	}
	mgr, err := ctrl.NewManager(connect(connection), ctrl.Options{
		Scheme:         w.kinds.scheme,
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return w.kinds.mapper, nil },
		Metrics:        metricsserver.Options{BindAddress: "0"},
		Cache:          cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
		Controller:     config.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := controller.Add(mgr, controller.Options{
		MaxConcurrentReconciles: 1, Lookup: w.regions, ResolverTTL: 5 * time.Second,
		Dial: func(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
			if o.dead.Load() {
				return nil, errDead
			}
			return w.regions.Dial(ctx, addr)
		},
	}); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o.cancel, o.started = cancel, mgr.Elected()
	go func() { o.ended <- mgr.Start(ctx) }()
	w.operator = o
	w.restarts = append(w.restarts, time.Now())
	w.notef("operator %d starts", w.instances)
}

// stopOperator ends the instance: as a process is told to end, or as one that was killed, none of whose requests
// arrives any more. A manager whose caches are not filled yet cannot be stopped in virtual time, since it waits for
// that in a busy loop: it may go on to read, writes and probes nothing, and is stopped when they are.
func (w *world) stopOperator(killed bool) {
	o := w.operator
	if o == nil {
		return
	}
	w.operator = nil
	starting := !isClosed(o.started)
	o.dead.Store(killed || starting)
	w.notef("operator %d is to end, killed %v, starting %v", w.instances, killed, starting)
	if starting {
		w.ending.Go(func() {
			<-o.started
			o.cancel()
			<-o.ended
		})
		return
	}
	if killed {
		w.server.Cut("")
	}
	o.cancel()
	// client-go does not look up while it waits, up to a minute, to connect to an API server that was away: that is
	// longer than a manager waits for it.
	if err := <-o.ended; err != nil && !killed && !errors.Is(err, context.DeadlineExceeded) {
		w.t.Errorf("the operator ended: %v", err)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
