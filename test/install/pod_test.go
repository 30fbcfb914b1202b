// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"maps"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// pods returns the Pods that are installed: the operator's by kustomize and by the chart, and that of helm test.
func pods(t *testing.T) map[string]corev1.PodTemplateSpec {
	t.Helper()
	kustomize := rendered(t, installed.kubectl(t, "kustomize", inRepository("config/default")))
	helm := rendered(t, installed.mustHelm(t, "template", "breakwater", inRepository(chart), "--namespace", operatorNamespace))
	test := &corev1.Pod{}
	convert(t, find(t, helm, "Pod", "breakwater-test-leader"), test)
	return map[string]corev1.PodTemplateSpec{
		"kustomize": deployment(t, kustomize).Spec.Template,
		"helm":      deployment(t, helm).Spec.Template,
		"helm test": {ObjectMeta: test.ObjectMeta, Spec: test.Spec},
	}
}

func convert(t *testing.T, from *unstructured.Unstructured, to any) {
	t.Helper()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(from.Object, to); err != nil {
		t.Fatal(err)
	}
}

// TestPodSecurity asks what the API server's Pod Security admission asks, at the strictest level.
func TestPodSecurity(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for name, pod := range pods(t) {
		t.Run(name, func(t *testing.T) {
			result := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec))
			if !result.Allowed {
				t.Errorf("%s: %s", result.ForbiddenReason(), result.ForbiddenDetail())
			}
			for _, c := range pod.Spec.Containers {
				if s := c.SecurityContext; s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
					t.Errorf("container %s may write to its root file system", c.Name)
				}
				if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
					t.Errorf("container %s: resources %v, want requests, and a limit of memory", c.Name, c.Resources)
				}
				if !c.Resources.Limits.Cpu().IsZero() {
					t.Errorf("container %s has a CPU limit: throttling looks like a region's timeout", c.Name)
				}
			}
			// The same on the server: the operator's namespace enforces the level.
			created := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: operatorNamespace, Name: "pod"}, Spec: pod.Spec}
			if err := installed.client.Create(t.Context(), created, client.DryRunAll); err != nil {
				t.Error(err)
			}
			if len(pod.Spec.Volumes) > 0 {
				t.Errorf("volumes %v, want none", pod.Spec.Volumes)
			}
		})
	}
}

// TestPlacement checks what keeps one of two replicas running, and that all selectors mean the operator's Pods.
func TestPlacement(t *testing.T) {
	objects := rendered(t, installed.kubectl(t, "kustomize", inRepository("config/default")))
	d := deployment(t, objects)
	pod := labels.Set(d.Spec.Template.Labels)
	budget, network := &policyv1.PodDisruptionBudget{}, &networkingv1.NetworkPolicy{}
	convert(t, find(t, objects, "PodDisruptionBudget", "breakwater-manager"), budget)
	convert(t, find(t, objects, "NetworkPolicy", "breakwater-manager"), network)
	selectors := map[string]*metav1.LabelSelector{
		"Deployment": d.Spec.Selector, "PodDisruptionBudget": budget.Spec.Selector, "NetworkPolicy": &network.Spec.PodSelector,
	}
	spread := map[string]bool{}
	for _, s := range d.Spec.Template.Spec.TopologySpreadConstraints {
		selectors["spread over "+s.TopologyKey] = s.LabelSelector
		spread[s.TopologyKey] = s.WhenUnsatisfiable == corev1.ScheduleAnyway
	}
	for name, selector := range selectors {
		s, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil || s.Empty() || !s.Matches(pod) {
			t.Errorf("%s: selector %v of Pods %v (%v)", name, selector, pod, err)
		}
	}
	if want := map[string]bool{corev1.LabelHostname: true, corev1.LabelTopologyZone: true}; !maps.Equal(spread, want) {
		t.Errorf("spread, if it can be, over %v, want %v", spread, want)
	}
	if *d.Spec.Replicas != 2 || budget.Spec.MaxUnavailable.IntValue() != 1 {
		t.Errorf("%d replicas of which %v may be evicted, want 2 and 1", *d.Spec.Replicas, budget.Spec.MaxUnavailable)
	}
	// The operator ends its writes in 15 s at most, and then releases the Lease.
	if grace := time.Duration(*d.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second; grace < 30*time.Second {
		t.Errorf("the Pod is killed after %s, want 30s", grace)
	}
}

// TestTokens checks who gets a token: Pods that ask for it, and no others of the same ServiceAccount.
func TestTokens(t *testing.T) {
	account := &corev1.ServiceAccount{}
	convert(t, find(t, rendered(t, installed.kubectl(t, "kustomize", inRepository("config/default"))), "ServiceAccount", "breakwater-manager"), account)
	if account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken {
		t.Error("the ServiceAccount mounts its token into every Pod")
	}
	for name, pod := range pods(t) {
		if mount := pod.Spec.AutomountServiceAccountToken; mount == nil || !*mount {
			t.Errorf("%s: the Pod talks to the API server and has no token", name)
		}
	}
}
