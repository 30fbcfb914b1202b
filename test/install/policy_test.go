// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ours returns a slice as the operator writes it.
func ours(namespace string) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   namespace,
			Name:        "llm-breakwater-ipv4",
			Labels:      map[string]string{discoveryv1.LabelServiceName: "llm", discoveryv1.LabelManagedBy: "llmbackend.breakwater.dev"},
			Annotations: map[string]string{"llm.breakwater.dev/transition-seq": "a-uid/1"},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{"10.1.0.1"}}},
	}
}

// theirs returns a slice as Kubernetes writes it for a Service with a selector.
func theirs(namespace string) *discoveryv1.EndpointSlice {
	slice := ours(namespace)
	slice.Name = "payments-x7k2p"
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: "payments", discoveryv1.LabelManagedBy: "endpointslice-controller.k8s.io"}
	slice.Annotations = nil
	return slice
}

// ownService returns a Service as the operator creates it.
func ownService(namespace string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   namespace,
			Name:        "llm",
			Labels:      map[string]string{"app.kubernetes.io/managed-by": "breakwater"},
			Annotations: map[string]string{"llm.breakwater.dev/backend": "llm"},
		},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

// TestOperatorWrites tries, as the operator, what RBAC allows and the policies may not.
func TestOperatorWrites(t *testing.T) {
	const namespace = "writes"
	installed.createNamespace(t, namespace)
	operator := installed.as(t, operatorUser, operatorGroups...)
	installed.awaitPolicies(t, operator, namespace)

	create := func(o client.Object) func() error {
		return func() error { return operator.Create(t.Context(), o, client.DryRunAll) }
	}
	// stored is created by an administrator, and then changed or deleted by the operator.
	stored := func(t *testing.T, o client.Object) {
		t.Helper()
		if err := installed.client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := client.IgnoreNotFound(installed.client.Delete(context.WithoutCancel(t.Context()), o)); err != nil {
				t.Error(err)
			}
		})
	}
	patch := func(t *testing.T, o client.Object, change string) func() error {
		stored(t, o)
		return func() error {
			return operator.Patch(t.Context(), o, client.RawPatch("application/merge-patch+json", []byte(change)))
		}
	}
	remove := func(t *testing.T, o client.Object) func() error {
		stored(t, o)
		return func() error { return operator.Delete(t.Context(), o) }
	}
	mislabelled := theirs(namespace)
	mislabelled.Labels[discoveryv1.LabelManagedBy] = "llmbackend.breakwater.dev"
	unlabelled := ours(namespace)
	delete(unlabelled.Labels, discoveryv1.LabelManagedBy)
	selecting := ownService(namespace)
	selecting.Spec.Selector = map[string]string{"app": "payments"}
	external := ownService(namespace)
	external.Spec = corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "example.com"}
	foreign := func() *corev1.Service {
		s := ownService(namespace)
		s.Labels, s.Annotations = nil, nil
		return s
	}
	const (
		relabel  = `{"metadata":{"labels":{"endpointslice.kubernetes.io/managed-by":"llmbackend.breakwater.dev"}}}`
		redirect = `{"endpoints":[{"addresses":["10.6.6.6"]}]}`
		adopt    = `{"metadata":{"labels":{"app.kubernetes.io/managed-by":"breakwater"},"annotations":{"llm.breakwater.dev/backend":"llm"}}}`
		reselect = `{"spec":{"selector":{"app":"payments"}}}`
	)
	tests := map[string]struct {
		write func(t *testing.T) func() error
		want  string // what the refusal says; empty if allowed
	}{
		"create an own slice":        {write: func(*testing.T) func() error { return create(ours(namespace)) }},
		"create another's slice":     {write: func(*testing.T) func() error { return create(theirs(namespace)) }, want: "only EndpointSlices that it manages, under the names"},
		"create under another name":  {write: func(*testing.T) func() error { return create(mislabelled) }, want: "only EndpointSlices that it manages, under the names"},
		"change an own slice":        {write: func(t *testing.T) func() error { return patch(t, ours(namespace), redirect) }},
		"repair an own slice":        {write: func(t *testing.T) func() error { return patch(t, unlabelled, relabel) }},
		"change another's slice":     {write: func(t *testing.T) func() error { return patch(t, theirs(namespace), redirect) }, want: "only EndpointSlices that it manages"},
		"adopt another's slice":      {write: func(t *testing.T) func() error { return patch(t, theirs(namespace), relabel) }, want: "only EndpointSlices that it manages"},
		"delete an own slice":        {write: func(t *testing.T) func() error { return remove(t, ours(namespace)) }},
		"delete another's slice":     {write: func(t *testing.T) func() error { return remove(t, theirs(namespace)) }, want: "change and delete only EndpointSlices that it manages"},
		"create an own Service":      {write: func(*testing.T) func() error { return create(ownService(namespace)) }},
		"create a selecting Service": {write: func(*testing.T) func() error { return create(selecting) }, want: "only Services of its own, without a selector"},
		"create an ExternalName":     {write: func(*testing.T) func() error { return create(external) }, want: "of type ClusterIP"},
		"change an own Service": {write: func(t *testing.T) func() error {
			return patch(t, ownService(namespace), `{"spec":{"ports":[{"port":81}]}}`)
		}},
		"give a Service a selector":    {write: func(t *testing.T) func() error { return patch(t, ownService(namespace), reselect) }, want: "without a selector"},
		"change a Service of somebody": {write: func(t *testing.T) func() error { return patch(t, foreign(), adopt) }, want: "only Services that it created"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			checkRefusal(t, test.write(t)(), test.want)
		})
	}
	t.Run("others are not limited", func(t *testing.T) {
		checkRefusal(t, installed.client.Create(t.Context(), theirs(namespace), client.DryRunAll), "")
	})
}

// awaitPolicies waits until the policies are in force: the API server takes them up a moment after they are stored.
func (c *cluster) awaitPolicies(t *testing.T, operator client.Client, namespace string) {
	t.Helper()
	selecting := ownService(namespace)
	selecting.Labels = nil
	eventually(t, "policies in force", func() error {
		for _, o := range []client.Object{theirs(namespace), selecting.DeepCopy()} {
			if err := operator.Create(t.Context(), o, client.DryRunAll); !isPolicyRefusal(err) {
				return errors.Join(errors.New("a write that a policy forbids is not refused"), err)
			}
		}
		return nil
	})
}

func isPolicyRefusal(err error) bool {
	return (apierrors.IsInvalid(err) || apierrors.IsForbidden(err)) && strings.Contains(err.Error(), "ValidatingAdmissionPolicy")
}

// checkRefusal expects a policy's refusal that says want, or none.
func checkRefusal(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (!isPolicyRefusal(err) || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want a policy's refusal with %q", err, want)
	}
}
