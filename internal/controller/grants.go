// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/serviceref"
)

// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=referencegrants,verbs=get;list;watch

// grantPeriod is how often is looked whether the cluster knows ReferenceGrants by now.
const grantPeriod = 10 * time.Second

// grants knows which references into other namespaces are permitted. ReferenceGrants belong to Gateway API,
// which a cluster may lack or get later, so they are looked for from the first such reference on, until they
// are found, and not before.
type grants struct {
	cache cache.Cache
	// changed is told the namespace whose grants have changed; empty for all.
	changed func(ctx context.Context, namespace string)
	wanted  chan struct{} // holds one token at most
	state   atomic.Int32
}

// The states of grants.
const (
	grantsUnknown  int32 = iota // not looked for yet, or the API server does not say
	grantsAbsent                // the cluster does not know them: nothing is permitted
	grantsFollowed              // the cache has them
)

func newGrants(c cache.Cache, changed func(context.Context, string)) *grants {
	return &grants{cache: c, changed: changed, wanted: make(chan struct{}, 1)}
}

// permit says whether LLMBackends of the namespace from may refer to a Service of another one, if that is known.
func (g *grants) permit(ctx context.Context, from string, service client.ObjectKey) (permitted, known bool) {
	select {
	case g.wanted <- struct{}{}:
	default:
	}
	switch g.state.Load() {
	case grantsUnknown:
		return false, false
	case grantsAbsent:
		return false, true
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(serviceref.GrantKind())
	if err := g.cache.List(ctx, list, client.InNamespace(service.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return false, false
	}
	kind := llmv1alpha1.GroupVersion.WithKind("LLMBackend").GroupKind()
	for i := range list.Items {
		grant, err := serviceref.ReadGrant(&list.Items[i])
		if err != nil {
			log.FromContext(ctx).Error(err, "A grant is passed over")
			continue
		}
		if grant.Permits(kind, from, service.Name) {
			return true, true
		}
	}
	return false, true
}

// run follows the grants from when they are wanted first until ctx ends.
func (g *grants) run(ctx context.Context) error {
	select {
	case <-g.wanted:
	case <-ctx.Done():
		return nil
	}
	informer := g.find(ctx)
	if informer == nil {
		return nil
	}
	handled, err := informer.AddEventHandler(g.handler(ctx))
	if err != nil {
		return fmt.Errorf("watch ReferenceGrants: %w", err)
	}
	if toolscache.WaitForCacheSync(ctx.Done(), handled.HasSynced) {
		g.state.Store(grantsFollowed)
		g.changed(ctx, "")
	}
	<-ctx.Done()
	return nil
}

// find returns the informer as soon as the cluster knows ReferenceGrants; nil if ctx has ended.
func (g *grants) find(ctx context.Context) cache.Informer {
	again := time.NewTicker(grantPeriod)
	defer again.Stop()
	for {
		kind := &unstructured.Unstructured{}
		kind.SetGroupVersionKind(serviceref.GrantKind())
		informer, err := g.cache.GetInformer(ctx, kind, cache.BlockUntilSynced(false))
		switch {
		case err == nil:
			return informer
		case !meta.IsNoMatchError(err):
			log.FromContext(ctx).Error(err, "Cannot find out whether there are ReferenceGrants")
		case g.state.Swap(grantsAbsent) != grantsAbsent:
			g.changed(ctx, "")
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (g *grants) handler(ctx context.Context) toolscache.ResourceEventHandler {
	tell := func(obj any) {
		if gone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
			obj = gone.Obj
		}
		if grant, ok := obj.(client.Object); ok {
			g.changed(ctx, grant.GetNamespace())
		}
	}
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    tell,
		UpdateFunc: func(_, grant any) { tell(grant) },
		DeleteFunc: tell,
	}
}
