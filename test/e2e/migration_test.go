// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// A live Service that selects Pods is taken over step by step, as docs/migration.md
// says, and its clients notice nothing.
func TestMigration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pod, err := hosts[0].NewRegion(w.addr(0, 1), lab.WithName("pods"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pod.Close)
	w.runPod(fmt.Sprintf("10.1.%d.11", w.number))
	w.create(&corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.ns},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "vllm"},
			Ports:    []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8000)}},
		},
	})
	w.call()
	w.awaitAnswer("pods", time.Time{})
	w.region(0, 0)
	w.region(1, 0)

	// 1. The LLMBackend, which is refused as long as the Service has a selector.
	w.create(w.backend())
	w.eventually("the Service is refused", func() bool { return w.publishedReason() == llmv1alpha1.ReasonServiceRefused })
	// 2. Hand the Service over. Its old slices go on beside the new one.
	w.kubectl("annotate", "service", name, "-n", w.ns, "llm.breakwater.dev/backend="+name)
	w.kubectl("patch", "service", name, "-n", w.ns, "--type=merge", "-p", `{"spec":{"selector":null}}`)
	w.eventually("others share the traffic", func() bool { return w.publishedReason() == llmv1alpha1.ReasonForeignEndpoints })
	shared := time.Now()
	w.awaitAnswer(primary, shared)
	w.awaitAnswer("pods", shared)
	// 3. Delete what is left over.
	w.kubectl("delete", "endpoints", name, "-n", w.ns, "--ignore-not-found")
	w.kubectl("delete", "endpointslices", "-n", w.ns, "-l",
		"kubernetes.io/service-name="+name+",endpointslice.kubernetes.io/managed-by!=llmbackend.breakwater.dev")
	w.awaitActive(primary)
	w.eventually("all calls are answered by the primary", func() bool {
		regions, _ := w.awaitCalls(20).Answers()
		return len(regions) == 1 && regions[primary] > 0
	})
	w.wantNoErrors()
	if services, slices := w.published(); services != 1 || slices != 1 {
		t.Errorf("%d Services and %d slices; want one of each", services, slices)
	}
}

// runPod makes a Pod that runs and is ready, as its kubelet would say.
func (w *world) runPod(ip string) {
	w.t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "vllm", Namespace: w.ns, Labels: map[string]string{"app": "vllm"}},
		Spec:       corev1.PodSpec{NodeName: "node", Containers: []corev1.Container{{Name: "vllm", Image: "vllm"}}},
	}
	w.create(pod)
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: ip, PodIPs: []corev1.PodIP{{IP: ip}},
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
	}
	if err := w.client.Status().Update(w.t.Context(), pod); err != nil {
		w.t.Fatal(err)
	}
}

// publishedReason is that of the condition Published, which is False.
func (w *world) publishedReason() string {
	var b llmv1alpha1.LLMBackend
	if err := w.client.Get(w.t.Context(), types.NamespacedName{Namespace: w.ns, Name: name}, &b); err != nil {
		return ""
	}
	for _, c := range b.Status.Conditions {
		if c.Type == llmv1alpha1.ConditionPublished && c.Status == metav1.ConditionFalse {
			return c.Reason
		}
	}
	return ""
}
