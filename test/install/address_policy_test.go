// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"context"
	"errors"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// TestAddressPolicy installs the optional policy and tries to give an LLMBackend addresses, as one who may edit
// LLMBackends and as one who may write EndpointSlices too.
func TestAddressPolicy(t *testing.T) {
	const namespace = "addresses"
	installed.createNamespace(t, namespace)
	installed.grant(t, namespace, "alice", "breakwater-llmbackend-editor")
	installed.grant(t, namespace, "bob", "breakwater-llmbackend-editor")
	if err := installed.client.Create(t.Context(), &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "slice-writer"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, Verbs: []string{"create"}}},
	}); err != nil {
		t.Fatal(err)
	}
	installed.grant(t, namespace, "bob", "slice-writer")
	alice, bob := installed.as(t, "alice"), installed.as(t, "bob")

	added := func() *llmv1alpha1.LLMBackend {
		return backend(namespace, "http://10.1.0.1:8000", "http://10.2.0.1:8000")
	}
	if err := alice.Create(t.Context(), added(), client.DryRunAll); err != nil {
		t.Fatalf("without the policy an editor may give addresses: %v", err)
	}
	policy := inRepository("config/components/address-policy/address_policy.yaml")
	installed.kubectl(t, "apply", "--server-side", "-f", policy)
	t.Cleanup(func() {
		if _, err := installed.controlPlane.Kubectl(context.WithoutCancel(t.Context()), "delete", "-f", policy); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "policy in force", func() error {
		if err := alice.Create(t.Context(), added(), client.DryRunAll); !isPolicyRefusal(err) {
			return errors.Join(errors.New("an editor may still give addresses"), err)
		}
		return nil
	})
	if err := bob.Create(t.Context(), added()); err != nil {
		t.Fatalf("one who may write EndpointSlices: %v", err)
	}

	const refusal = "only who may create endpointslices in namespace addresses may add a region with a url"
	tests := map[string]struct {
		user   client.Client
		change func(*llmv1alpha1.LLMBackendSpec)
		want   string
	}{
		"an editor changes a duration":           {user: alice, change: func(s *llmv1alpha1.LLMBackendSpec) { s.Probe.Period = "9s" }},
		"an editor exchanges the regions":        {user: alice, change: func(s *llmv1alpha1.LLMBackendSpec) { s.Primary, s.Secondaries[0] = s.Secondaries[0], s.Primary }},
		"an editor removes a region":             {user: alice, change: func(s *llmv1alpha1.LLMBackendSpec) { s.Secondaries = nil }},
		"an editor changes the primary":          {user: alice, change: func(s *llmv1alpha1.LLMBackendSpec) { s.Primary.Endpoint.URL = "http://10.6.6.6:8000" }, want: refusal},
		"an editor changes a secondary":          {user: alice, change: func(s *llmv1alpha1.LLMBackendSpec) { s.Secondaries[0].Endpoint.URL = "http://10.6.6.6:8000" }, want: refusal},
		"an editor changes a port":               {user: alice, change: func(s *llmv1alpha1.LLMBackendSpec) { s.Primary.Endpoint.URL = "http://10.1.0.1:22" }, want: refusal},
		"a writer of slices changes the primary": {user: bob, change: func(s *llmv1alpha1.LLMBackendSpec) { s.Primary.Endpoint.URL = "http://10.6.6.6:8000" }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := &llmv1alpha1.LLMBackend{}
			if err := test.user.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "chat"}, b); err != nil {
				t.Fatal(err)
			}
			test.change(&b.Spec)
			checkRefusal(t, test.user.Update(t.Context(), b, client.DryRunAll), test.want)
		})
	}
}

// grant gives a user a ClusterRole in a namespace.
func (c *cluster) grant(t *testing.T, namespace, user, role string) {
	t.Helper()
	if err := c.client.Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: user + "-" + role},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	}); err != nil {
		t.Fatal(err)
	}
}
