// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package gitops_test asks what GitOps tools make of an LLMBackend: Flux with its own library, and Argo CD with the
// script that is shipped for it, in the interpreter that it uses.
package gitops_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// state is an LLMBackend as the operator leaves it, and what the tools are to make of it.
type state struct {
	name   string
	object map[string]any
	flux   status.Status
	argo   string // its health, and after ": " the message; empty for any
}

// condition is one as the operator writes it.
func condition(kind string, is metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: is, Reason: reason, Message: message, ObservedGeneration: 3, LastTransitionTime: metav1.NewTime(time.Unix(1e9, 0))}
}

func ready(reason, message string) metav1.Condition {
	return condition(llmv1alpha1.ConditionReady, metav1.ConditionTrue, reason, message)
}

func unready(reason, message string) metav1.Condition {
	return condition(llmv1alpha1.ConditionReady, metav1.ConditionFalse, reason, message)
}

var published = condition(llmv1alpha1.ConditionPublished, metav1.ConditionTrue, llmv1alpha1.ReasonPublished, "")

func unpublished(reason string) metav1.Condition {
	return condition(llmv1alpha1.ConditionPublished, metav1.ConditionFalse, reason, "they do not show it")
}

func is(kind, reason, message string) metav1.Condition {
	return condition(kind, metav1.ConditionTrue, reason, message)
}

// observed is an object of generation 3 with these conditions, of which the operator has read a generation.
func observed(t *testing.T, generation int64, conditions ...metav1.Condition) map[string]any {
	t.Helper()
	wire, err := json.Marshal(&llmv1alpha1.LLMBackend{
		TypeMeta:   metav1.TypeMeta{APIVersion: llmv1alpha1.GroupVersion.String(), Kind: "LLMBackend"},
		ObjectMeta: metav1.ObjectMeta{Name: "chat", Namespace: "apps", Generation: 3},
		Spec:       llmv1alpha1.LLMBackendSpec{Primary: llmv1alpha1.Region{Name: "us-east", Endpoint: llmv1alpha1.Endpoint{URL: "http://10.1.0.10:8000"}}},
		Status:     llmv1alpha1.LLMBackendStatus{ObservedGeneration: generation, Conditions: conditions},
	})
	if err != nil {
		t.Fatal(err)
	}
	// Numbers are read as the tools read them.
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(wire); err != nil {
		t.Fatal(err)
	}
	return u.Object
}

// withoutStatus is an object whose status was never written, nor given its default.
func withoutStatus(object map[string]any) map[string]any {
	delete(object, "status")
	return object
}

func deleting(object map[string]any) map[string]any {
	object["metadata"].(map[string]any)["deletionTimestamp"] = "2026-11-26T12:00:00Z"
	return object
}

func states(t *testing.T) []state {
	t.Helper()
	serving := ready(llmv1alpha1.ReasonServing, "traffic goes to the primary region us-east")
	secondary := ready(llmv1alpha1.ReasonServingSecondary, "traffic goes to region eu-west")
	failedOver := is(llmv1alpha1.ConditionFailedOver, "FailedOver", "traffic moves")
	degraded := is(llmv1alpha1.ConditionDegraded, llmv1alpha1.ReasonRegionsFailing, "failing: us-east")
	return []state{
		{"new", observed(t, -1), status.InProgressStatus, "Progressing: the operator has not read the newest change yet"},
		{"changed", observed(t, 2, published, serving), status.InProgressStatus, "Progressing: the operator has not read the newest change yet"},
		{"first publication under way", observed(t, 3, unpublished(llmv1alpha1.ReasonPending), unready(llmv1alpha1.ReasonNotPublished, "not yet")),
			status.InProgressStatus, "Progressing: not yet"},
		{"serving", observed(t, 3, published, serving), status.CurrentStatus, "Healthy: traffic goes to the primary region us-east"},
		{"serving from a secondary region", observed(t, 3, published, secondary, failedOver, degraded), status.CurrentStatus, "Healthy: traffic goes to region eu-west"},
		{"active region failing", observed(t, 3, published, unready(llmv1alpha1.ReasonActiveRegionFailing, "us-east fails"), degraded),
			status.InProgressStatus, "Degraded: us-east fails"},
		{"no healthy region", observed(t, 3, published, unready(llmv1alpha1.ReasonNoHealthyRegion, "none answers"), degraded),
			status.InProgressStatus, "Degraded: none answers"},
		{"foreign endpoints", observed(t, 3, unpublished(llmv1alpha1.ReasonForeignEndpoints), unready(llmv1alpha1.ReasonNotPublished, "slice x shares the traffic")),
			status.InProgressStatus, "Degraded: slice x shares the traffic"},
		{"write refused", observed(t, 3, unpublished(llmv1alpha1.ReasonWriteRefused), unready(llmv1alpha1.ReasonNotPublished, "forbidden")),
			status.InProgressStatus, "Degraded: forbidden"},
		{"Service refused", observed(t, 3, unpublished(llmv1alpha1.ReasonServiceRefused), unready(llmv1alpha1.ReasonStalled, "headless"),
			is(llmv1alpha1.ConditionStalled, llmv1alpha1.ReasonServiceRefused, "headless")), status.FailedStatus, "Degraded: headless"},
		{"conflicted", observed(t, 3, unpublished(llmv1alpha1.ReasonConflicted), unready(llmv1alpha1.ReasonStalled, "owned by other"),
			is(llmv1alpha1.ConditionStalled, llmv1alpha1.ReasonConflicted, "owned by other")), status.FailedStatus, "Degraded: owned by other"},
		{"serving, but a region may not be used", observed(t, 3, published, serving,
			is(llmv1alpha1.ConditionStalled, llmv1alpha1.ReasonAddressFamily, "eu-west lacks an address")), status.FailedStatus, "Degraded: eu-west lacks an address"},
		{"serving, and probes say nothing", observed(t, 3, published, serving,
			is(llmv1alpha1.ConditionProbeInconclusive, llmv1alpha1.ReasonBadCredentials, "401")), status.CurrentStatus, "Healthy"},
		{"serving without secondary", observed(t, 3, published, serving,
			is(llmv1alpha1.ConditionDegraded, llmv1alpha1.ReasonNoSecondary, "add one")), status.CurrentStatus, "Healthy"},
		{"serving from a region that left the spec", observed(t, 3, published, unready(llmv1alpha1.ReasonActiveRegionFailing, "it left the spec"),
			is(llmv1alpha1.ConditionActiveRegionRemoved, llmv1alpha1.ReasonNotInSpec, "gone")), status.InProgressStatus, "Degraded: it left the spec"},
		{"paused", observed(t, 3, published, serving,
			is(llmv1alpha1.ConditionPaused, llmv1alpha1.ReasonPausedUntil, "nothing is moved until noon")), status.CurrentStatus, "Suspended: nothing is moved until noon"},
		{"paused in an outage", observed(t, 3, published, unready(llmv1alpha1.ReasonActiveRegionFailing, "us-east fails"),
			is(llmv1alpha1.ConditionPaused, llmv1alpha1.ReasonPausedByAnnotation, "nothing is moved")), status.InProgressStatus, "Degraded: us-east fails"},
		{"being deleted", deleting(observed(t, 3, published, serving)), status.TerminatingStatus, "Progressing: is being deleted"},
		{"being deleted, stalled", deleting(observed(t, 3, published, unready(llmv1alpha1.ReasonStalled, "headless"),
			is(llmv1alpha1.ConditionStalled, llmv1alpha1.ReasonServiceRefused, "headless"))), status.TerminatingStatus, "Progressing: is being deleted"},
	}
}
