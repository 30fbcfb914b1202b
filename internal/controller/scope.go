// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/credentials"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/internal/signals/prometheus"
	"github.com/breakwater-dev/breakwater/internal/traffic"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// scope is what one reconcile works on.
type scope struct {
	entry *entry
	// stored is the LLMBackend as it is stored; never changed in place.
	stored *llmv1alpha1.LLMBackend
	// families are those that the Service has, or will have if the spec says so; else empty.
	families []probe.Family
	// referenced is where the regions are that are Services, by name.
	referenced map[string]referenced

	credentials *credentials.Store
	prometheus  *prometheus.Client

	config failover.Config
	plan   failover.Plan
	// decided: this reconcile has written the decision into the status.
	decided bool
}

// gather reads the newest LLMBackend, and what its probes need to know of Services.
func (r *Reconciler) gather(ctx context.Context, key client.ObjectKey) (*scope, error) {
	cached := &llmv1alpha1.LLMBackend{}
	if err := r.Client.Get(ctx, key, cached, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	if cached.DeletionTimestamp != nil { // it waits for its dependents to go: traffic is no longer ours
		return nil, notFound(key)
	}
	e := r.backends.ensure(key, cached.UID, func(ctx context.Context) *backend {
		b := newBackend(ctx, r.Prober, func() { r.queue(key) })
		b.meter, b.tracer, b.key = r.Meter, r.Tracer, key
		return b.pacedBy(r.turns)
	})
	stored, err := e.current(ctx, r.Live, cached)
	if err != nil {
		return nil, err
	}
	s := &scope{entry: e, stored: stored, credentials: r.Credentials, prometheus: r.Prometheus}
	return s, r.lookAround(ctx, s)
}

// lookAround reads what the regions of the stored LLMBackend depend on.
func (r *Reconciler) lookAround(ctx context.Context, s *scope) (err error) {
	if s.families, err = r.familiesOf(ctx, s.stored); err != nil {
		return err
	}
	s.referenced, err = r.referencedBy(ctx, s.stored, s.families)
	return err
}

func notFound(key client.ObjectKey) error {
	return apierrors.NewNotFound(llmv1alpha1.GroupVersion.WithResource("llmbackends").GroupResource(), key.Name)
}

// familiesOf returns the families in which regions must answer: those of the Service, or while there is none
// that can be used, those that the spec asks for.
func (r *Reconciler) familiesOf(ctx context.Context, b *llmv1alpha1.LLMBackend) ([]probe.Family, error) {
	svc := &corev1.Service{}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: b.Namespace, Name: translate.ServiceName(b)}, svc)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("read Service: %w", err)
	}
	var families []probe.Family
	if err == nil && traffic.CheckService(svc, b.Name, b.Spec.Service.Port) == nil {
		for _, f := range svc.Spec.IPFamilies {
			families = append(families, probe.Family(f))
		}
		return families, nil
	}
	for _, f := range b.Spec.Service.IPFamilies {
		families = append(families, probe.Family(f))
	}
	return families, nil
}

// decide hands the decision what is stored and takes what it proposes. A plan whose write ended without an
// answer turns out here to be stored or not.
func (s *scope) decide() error {
	in, endpoints, err := inputOf(s.stored, s.families, s.referenced, time.Now())
	if err != nil {
		return err
	}
	useCredentials(s.stored, endpoints, s.credentials)
	if p := s.entry.unsettled; p != nil {
		s.entry.unsettled = nil
		if p.Record.Equal(in.Record) {
			s.entry.backend.settle(*p)
		}
	}
	s.config = in.Config
	s.plan = s.entry.backend.observe(in, endpoints, translate.Classifier(s.stored))
	s.entry.backend.followSignals(s.stored, s.prometheus)
	return nil
}

// inputOf translates an LLMBackend into what the decision is to know, and the endpoints that are probed.
func inputOf(b *llmv1alpha1.LLMBackend, families []probe.Family, services map[string]referenced, now time.Time) (failover.Input, map[string]*regionEndpoint, error) {
	in, targets, err := translate.Input(b, families, now)
	if err != nil {
		return failover.Input{}, nil, err
	}
	endpoints := make(map[string]*regionEndpoint, len(targets))
	spend := translate.Spend(&b.Status)
	specs := translate.Regions(b)
	for i, r := range in.Config.Regions {
		target := targets[r.Name]
		if to, ok := services[r.Name]; ok {
			target.Addresses, target.Port, target.Absent = to.Addresses, to.Port, to.absent
		}
		limits, billed := translate.Budget(b, specs[i])
		endpoints[r.Name] = &regionEndpoint{
			ladder: translate.Ladder(b, specs[i]),
			billed: billed, limits: limits, spend: spend[r.Name],
			name:     r.Name,
			identity: r.Identity,
			target:   &target,
			answers:  probe.NewAddresses(r.Breaker.FailureThreshold),
		}
	}
	return in, endpoints, nil
}

func (s *scope) owner() traffic.Owner {
	return traffic.Owner{
		APIVersion: llmv1alpha1.GroupVersion.String(),
		Kind:       "LLMBackend",
		Name:       s.stored.Name,
		Namespace:  s.stored.Namespace,
		UID:        s.stored.UID,
	}
}
