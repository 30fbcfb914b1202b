// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package serviceref

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GrantKind is the kind by which a namespace of Gateway API allows references into it.
func GrantKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1beta1", Kind: "ReferenceGrant"}
}

// Grant is what counts of a ReferenceGrant. It allows every reference from one of From to one of To.
type Grant struct {
	Spec struct {
		From []struct {
			Group     string `json:"group"`
			Kind      string `json:"kind"`
			Namespace string `json:"namespace"`
		} `json:"from"`
		To []struct {
			Group string `json:"group"`
			Kind  string `json:"kind"`
			// Name is that of one object; all of them if absent.
			Name string `json:"name,omitempty"`
		} `json:"to"`
	} `json:"spec"`
}

// ReadGrant reads a ReferenceGrant.
func ReadGrant(object *unstructured.Unstructured) (Grant, error) {
	var g Grant
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &g); err != nil {
		return Grant{}, fmt.Errorf("read ReferenceGrant %s/%s: %w", object.GetNamespace(), object.GetName(), err)
	}
	return g, nil
}

// Permits says whether the grant, in the namespace of the Service, allows that objects of the kind in the
// namespace from refer to it.
func (g Grant) Permits(kind schema.GroupKind, from, service string) bool {
	allowed := false
	for _, f := range g.Spec.From {
		allowed = allowed || f.Group == kind.Group && f.Kind == kind.Kind && f.Namespace == from
	}
	if !allowed {
		return false
	}
	for _, to := range g.Spec.To {
		if to.Group == "" && to.Kind == "Service" && (to.Name == "" || to.Name == service) {
			return true
		}
	}
	return false
}
