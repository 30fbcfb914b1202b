// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"context"
	"fmt"

	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ForeignEndpoints names what else would share the traffic of a Service with these EndpointSlices, as
// "EndpointSlice/<name>", sorted, and then "Endpoints/<name>". The Endpoints object is read live, one request per call,
// because a cache of all of them would be large and for this alone.
func (p *Publisher) ForeignEndpoints(ctx context.Context, namespace, service string, existing []discoveryv1.EndpointSlice) ([]string, error) {
	key := client.ObjectKey{Namespace: namespace, Name: service}
	var names []string
	for _, name := range Foreign(existing, service) {
		names = append(names, "EndpointSlice/"+name)
	}

	endpoints := &metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Endpoints"},
	}
	err := p.Live.Get(ctx, key, endpoints)
	switch {
	case apierrors.IsNotFound(err):
		return names, nil
	case err != nil:
		return nil, fmt.Errorf("read Endpoints %s: %w", key, err)
	}
	return append(names, "Endpoints/"+service), nil
}
