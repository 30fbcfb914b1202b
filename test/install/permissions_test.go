// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var update = flag.Bool("update", false, "write testdata/permissions.txt instead of comparing with it")

// verbs are all that RBAC knows: those of objects, and those that are asked about in other ways.
var verbs = []string{
	"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection",
	"bind", "escalate", "impersonate", "use", "approve", "sign", "attest", "proxy", "*",
}

// access is one thing that a user may be allowed to do.
type access struct{ namespace, group, resource, verb string }

// TestPermissions tries every verb on every resource that the API server serves, as the operator.
func TestPermissions(t *testing.T) {
	user := installed.as(t, operatorUser, operatorGroups...)
	another := installed.as(t, "system:serviceaccount:breakwater-system:another", operatorGroups...)
	var asked []access
	for _, resource := range resources(t) {
		for _, verb := range verbs {
			for _, namespace := range []string{"", operatorNamespace} {
				asked = append(asked, access{namespace, resource.Group, resource.Name, verb})
			}
		}
	}
	var mine []access
	for i, yes := range allowed(t, user, asked) {
		if yes {
			mine = append(mine, asked[i])
		}
	}
	t.Logf("%d of %d are allowed", len(mine), len(asked))
	everywhere := map[access]bool{}
	var got []string
	for i, everybody := range allowed(t, another, mine) {
		a := mine[i]
		if everybody {
			continue
		}
		where := "in namespace " + a.namespace
		if a.namespace == "" {
			everywhere[a] = true
			where = "everywhere"
		} else if everywhere[access{"", a.group, a.resource, a.verb}] {
			continue
		}
		got = append(got, fmt.Sprintf("%-30s %-45s %s\n", where, strings.Trim(a.group+"/"+a.resource, "/"), a.verb))
	}
	slices.Sort(got)
	const golden = "testdata/permissions.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(strings.Join(got, "")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), strings.Join(got, "")); diff != "" {
		t.Errorf("the operator may do something else than %s says (-want +got):\n%s\nif that is right, run: go test ./install -run TestPermissions -update", golden, diff)
	}
}

// resources returns all resources and subresources that the API server serves, of each group's preferred version.
func resources(t *testing.T) []metav1.APIResource {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(installed.controlPlane.Config)
	if err != nil {
		t.Fatal(err)
	}
	lists, err := client.ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	_, all, err := client.ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	// What RBAC knows and this API server does not serve: who may block deletions, what needs the CRDs of others, and
	// what a wildcard would allow.
	found := []metav1.APIResource{
		{Group: "llm.breakwater.dev", Name: "llmbackends/finalizers"},
		{Group: "gateway.networking.k8s.io", Name: "referencegrants"},
		{Group: "*", Name: "*"},
	}
	for _, list := range append(lists, all...) {
		group, _, _ := strings.Cut(list.GroupVersion, "/")
		if !strings.Contains(list.GroupVersion, "/") {
			group = ""
		}
		for _, resource := range list.APIResources {
			if resource.Group = group; !seen[group+"/"+resource.Name] {
				seen[group+"/"+resource.Name] = true
				found = append(found, resource)
			}
		}
	}
	if len(found) < 100 {
		t.Fatalf("found %d resources, want the more than 100 of Kubernetes", len(found))
	}
	return found
}

// allowed asks the API server, as the user of the client, which of these are allowed.
func allowed(t *testing.T, user client.Client, asked []access) []bool {
	t.Helper()
	answers := make([]bool, len(asked))
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(8)
	for i, a := range asked {
		group.Go(func() (err error) {
			answers[i], err = isAllowed(ctx, user, a)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return answers
}

func isAllowed(ctx context.Context, user client.Client, a access) (bool, error) {
	resource, subresource, _ := strings.Cut(a.resource, "/")
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: a.namespace, Group: a.group, Resource: resource, Subresource: subresource, Verb: a.verb,
		},
	}}
	err := user.Create(ctx, review)
	return review.Status.Allowed, err
}

// TestAggregation checks which of the cluster's own roles our roles become part of. It asks the selectors of the
// API server's own roles, because what joins the rules is not the API server but kube-controller-manager.
func TestAggregation(t *testing.T) {
	tests := map[string]struct {
		folder string
		want   map[string][]string
	}{
		"by default": {
			folder: inRepository("config/default"),
			want: map[string][]string{
				"view":  {"breakwater-llmbackend-viewer"},
				"edit":  {"breakwater-llmbackend-viewer"},
				"admin": {"breakwater-llmbackend-viewer"},
			},
		},
		"with the address policy": {
			folder: withComponent(t, "default", "address-policy"),
			want: map[string][]string{
				"view":  {"breakwater-llmbackend-viewer"},
				"edit":  {"breakwater-llmbackend-editor", "breakwater-llmbackend-viewer"},
				"admin": {"breakwater-llmbackend-admin", "breakwater-llmbackend-editor", "breakwater-llmbackend-viewer"},
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			objects := rendered(t, installed.kubectl(t, "kustomize", test.folder))
			got := map[string][]string{}
			for _, aggregate := range []string{"view", "edit", "admin"} {
				role := &rbacv1.ClusterRole{}
				if err := installed.client.Get(t.Context(), client.ObjectKey{Name: aggregate}, role); err != nil {
					t.Fatal(err)
				}
				for _, o := range objects {
					if o.GetKind() == "ClusterRole" && selects(t, role, o.GetLabels()) {
						got[aggregate] = append(got[aggregate], o.GetName())
					}
				}
				slices.Sort(got[aggregate])
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("roles that are part of others (-want +got):\n%s", diff)
			}
		})
	}
}

func selects(t *testing.T, role *rbacv1.ClusterRole, of map[string]string) bool {
	t.Helper()
	return slices.ContainsFunc(role.AggregationRule.ClusterRoleSelectors, func(s metav1.LabelSelector) bool {
		selector, err := metav1.LabelSelectorAsSelector(&s)
		if err != nil {
			t.Fatal(err)
		}
		return selector.Matches(labels.Set(of))
	})
}
