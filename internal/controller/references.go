// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/internal/serviceref"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// indexReferenced is the cache's index of LLMBackends by the Services that their regions refer to, as
// "<namespace>/<name>".
const indexReferenced = "referenced"

// referenced is where a region's reference to a Service leads.
type referenced struct {
	serviceref.Endpoints
	absent probe.ErrorClass // why it leads nowhere
}

// referencedBy finds out where the references of an LLMBackend lead, by the name of the region. It reads the
// cache alone.
func (r *Reconciler) referencedBy(ctx context.Context, b *llmv1alpha1.LLMBackend, families []probe.Family) (map[string]referenced, error) {
	found := map[string]referenced{}
	for _, region := range translate.Regions(b) {
		if !translate.IsService(region.Endpoint) {
			continue
		}
		to, err := r.follow(ctx, b, region.Endpoint, families)
		if err != nil {
			return nil, fmt.Errorf("region %s: %w", region.Name, err)
		}
		found[region.Name] = to
	}
	return found, nil
}

func (r *Reconciler) follow(ctx context.Context, b *llmv1alpha1.LLMBackend, e llmv1alpha1.Endpoint, families []probe.Family) (referenced, error) {
	key := client.ObjectKey{Namespace: translate.ServiceNamespace(b, e), Name: e.ServiceRef.Name}
	if key.Namespace != b.Namespace {
		permitted, known := r.grants.permit(ctx, b.Namespace, key)
		switch {
		case !known:
			return referenced{absent: probe.Local}, nil
		case !permitted:
			return referenced{absent: probe.ErrorClass(serviceref.NotPermitted)}, nil
		}
	}
	svc := &corev1.Service{}
	if err := r.Client.Get(ctx, key, svc); client.IgnoreNotFound(err) != nil {
		return referenced{}, fmt.Errorf("read Service %s: %w", key, err)
	} else if err != nil {
		svc = nil
	}
	list := &discoveryv1.EndpointSliceList{}
	err := r.Client.List(ctx, list, client.InNamespace(key.Namespace),
		client.MatchingFields{indexService: key.Name}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return referenced{}, fmt.Errorf("list EndpointSlices of Service %s: %w", key, err)
	}
	endpoints, problem := serviceref.Ready(svc, list.Items, e.ServiceRef.Port, ipFamilies(families))
	return referenced{endpoints, probe.ErrorClass(problem)}, nil
}

func ipFamilies(families []probe.Family) []corev1.IPFamily {
	var of []corev1.IPFamily
	for _, f := range families {
		of = append(of, corev1.IPFamily(f))
	}
	return of
}

// referencedServices is indexReferenced.
func referencedServices(o client.Object) []string {
	b := o.(*llmv1alpha1.LLMBackend)
	var services []string
	for _, region := range translate.Regions(b) {
		if e := region.Endpoint; translate.IsService(e) {
			services = append(services, translate.ServiceNamespace(b, e)+"/"+e.ServiceRef.Name)
		}
	}
	return services
}

func (r *Reconciler) referringToService(ctx context.Context, o client.Object) []reconcile.Request {
	return r.referringTo(ctx, o.GetNamespace(), o.GetName())
}

func (r *Reconciler) referringToSlice(ctx context.Context, o client.Object) []reconcile.Request {
	return r.referringTo(ctx, o.GetNamespace(), o.GetLabels()[discoveryv1.LabelServiceName])
}

// referringTo returns the LLMBackends that have a region which is that Service.
func (r *Reconciler) referringTo(ctx context.Context, namespace, service string) []reconcile.Request {
	list := &llmv1alpha1.LLMBackendList{}
	if err := r.Client.List(ctx, list, client.MatchingFields{indexReferenced: namespace + "/" + service},
		client.UnsafeDisableDeepCopy); err != nil {
		return nil // the cache has stopped
	}
	var requests []reconcile.Request
	for i := range list.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return requests
}

// queueReferringInto has the LLMBackends reconciled that refer to a Service of that namespace from another one;
// all that refer to other namespaces if it is empty.
func (r *Reconciler) queueReferringInto(ctx context.Context, namespace string) {
	list := &llmv1alpha1.LLMBackendList{}
	if err := r.Client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return // the cache has stopped
	}
	for i := range list.Items {
		if b := &list.Items[i]; refersInto(b, namespace) {
			r.queue(client.ObjectKeyFromObject(b))
		}
	}
}

func refersInto(b *llmv1alpha1.LLMBackend, namespace string) bool {
	for _, region := range translate.Regions(b) {
		to := translate.ServiceNamespace(b, region.Endpoint)
		if translate.IsService(region.Endpoint) && to != b.Namespace && (namespace == "" || to == namespace) {
			return true
		}
	}
	return false
}
