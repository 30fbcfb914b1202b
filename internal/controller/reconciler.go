// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/breakwater-dev/breakwater/internal/credentials"
	"github.com/breakwater-dev/breakwater/internal/metrics"
	"github.com/breakwater-dev/breakwater/internal/signals/prometheus"
	"github.com/breakwater-dev/breakwater/internal/traffic"
)

// +kubebuilder:rbac:groups=llm.breakwater.dev,resources=llmbackends,verbs=get;list;watch
// +kubebuilder:rbac:groups=llm.breakwater.dev,resources=llmbackends/status,verbs=patch
// +kubebuilder:rbac:groups=llm.breakwater.dev,resources=llmbackends/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=services,verbs=get;list;watch;create;patch
// +kubebuilder:rbac:groups="",resources=endpoints,verbs=get
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// maxConflicts is how often a decision is made anew in one reconcile because the LLMBackend had changed.
const maxConflicts = 3

// Confirming in status what is published waits behind everything else that is to be done, above all behind
// writes that move traffic.
const (
	confirmPriority = -100
	confirmDelay    = 5 * time.Millisecond
)

// foreignPeriod is how often is looked whether others still share the traffic: not all that can share it
// is watched.
const foreignPeriod = 30 * time.Second

// Reconciler stores and publishes the decisions of all LLMBackends.
type Reconciler struct {
	// Client reads from the cache and writes.
	Client client.Client
	// Live reads past the cache.
	Live client.Reader
	// Publisher writes Services and EndpointSlices.
	Publisher *traffic.Publisher
	// Recorder records events.
	Recorder events.EventRecorder
	// Prober makes the probes.
	Prober Prober
	// Permits says whether an address may be published: what may not be probed may not.
	Permits func(netip.Addr) bool
	// Credentials are what probes use.
	Credentials *credentials.Store
	// Prometheus asks what real traffic meets.
	Prometheus *prometheus.Client
	// Meter counts what all of this comes to.
	Meter *metrics.Operator
	// Tracer makes spans of reconciles and probes; nil for none.
	Tracer trace.Tracer

	backends *registry
	grants   *grants
	turns    *turns // that moves wait for; nil if they do not
	pulse    pulse
	queue    func(client.ObjectKey)
	waiting  atomic.Pointer[func() int] // how many reconciles wait in the queue; nil before there is one
}

// Reconcile brings one LLMBackend's status and slices up to what has been decided.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	if req == heartbeat {
		r.pulse.answer()
		return ctrl.Result{}, nil
	}
	s, err := r.gather(ctx, req.NamespacedName)
	if apierrors.IsNotFound(err) {
		r.backends.remove(req.NamespacedName)
		return ctrl.Result{}, nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	if err := r.decideAndPersist(ctx, s); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err) // the deletion is an event of its own
	}
	p, err := r.publish(ctx, s)
	if err != nil {
		return ctrl.Result{}, errors.Join(err, r.report(ctx, s, p))
	}
	if p.moved {
		return ctrl.Result{RequeueAfter: confirmDelay, Priority: new(confirmPriority)}, nil
	}
	return ctrl.Result{RequeueAfter: s.lookAgain(p)}, r.report(ctx, s, p)
}

// decideAndPersist makes the decision and stores it in one status write. When the LLMBackend has changed
// meanwhile it is read again and decided again.
func (r *Reconciler) decideAndPersist(ctx context.Context, s *scope) error {
	ctx, span := r.span(ctx, "decide")
	defer span.End()
	for range maxConflicts {
		if err := s.decide(); err != nil {
			return reconcile.TerminalError(err)
		}
		err := r.persist(ctx, s)
		if !apierrors.IsConflict(err) {
			return err
		}
		log.FromContext(ctx).V(1).Info("LLMBackend has changed, deciding again")
		if s.stored, err = s.entry.read(ctx, r.Live, s.stored); err != nil {
			return err
		}
		if err := r.lookAround(ctx, s); err != nil {
			return err
		}
	}
	return fmt.Errorf("LLMBackend changed %d times while a decision about it was made", maxConflicts)
}
