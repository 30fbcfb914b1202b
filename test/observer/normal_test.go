// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package observer_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/observer"
)

// state is one that two runs could end in; edits are what differs.
func state(uid types.UID, at time.Time, edits ...func(observer.State)) observer.State {
	s := observer.State{
		Backends: map[string]*llmv1alpha1.LLMBackend{"chat": {
			ObjectMeta: metav1.ObjectMeta{Name: "chat", UID: uid, ResourceVersion: string(uid), CreationTimestamp: metav1.NewTime(at)},
			Status: llmv1alpha1.LLMBackendStatus{
				ActiveRegion: "us-east", ActiveSeq: 2, ActiveSince: &metav1.MicroTime{Time: at},
				History: []llmv1alpha1.Transition{{Seq: 2, Time: metav1.MicroTime{Time: at}, To: "us-east"}},
			},
		}},
		Services: map[string]*corev1.Service{"chat": {
			ObjectMeta: metav1.ObjectMeta{Name: "chat", UID: "service-" + uid}, Spec: corev1.ServiceSpec{ClusterIP: string(uid)},
		}},
		Slices: map[string]*discoveryv1.EndpointSlice{"chat": {
			ObjectMeta: metav1.ObjectMeta{
				Name: "chat", UID: "slice-" + uid, Annotations: map[string]string{"seq": string(uid) + "/2"},
				OwnerReferences: []metav1.OwnerReference{{Name: "chat", UID: uid}},
			},
			Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.1.0." + string(uid)}}},
		}},
	}
	for _, e := range edits {
		e(s)
	}
	return s
}

func TestNormal(t *testing.T) {
	now := time.Now()
	normal := func(s observer.State, address string) string {
		text, err := s.Normal(map[string]string{address: "<us-east>"})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	want := normal(state("f81d", now), "10.1.0.f81d")
	if diff := cmp.Diff(want, normal(state("a7c2", now.Add(time.Hour)), "10.1.0.a7c2")); diff != "" {
		t.Errorf("two runs that end the same differ:\n%s", diff)
	}
	orders := [][]metav1.Condition{{{Type: "Ready"}, {Type: "Degraded"}}, {{Type: "Degraded"}, {Type: "Ready"}}}
	var texts []string
	for _, conditions := range orders {
		texts = append(texts, normal(state("f81d", now, func(s observer.State) { s.Backends["chat"].Status.Conditions = conditions }), "10.1.0.f81d"))
	}
	if diff := cmp.Diff(texts[0], texts[1]); diff != "" {
		t.Errorf("the order of conditions counts:\n%s", diff)
	}
	for what, edit := range map[string]func(observer.State){
		"active region": func(s observer.State) { s.Backends["chat"].Status.ActiveRegion = "eu-west" },
		"history":       func(s observer.State) { s.Backends["chat"].Status.History[0].Seq = 3 },
		"seq":           func(s observer.State) { s.Slices["chat"].Annotations["seq"] = "a7c2/3" },
		"owner":         func(s observer.State) { s.Slices["chat"].OwnerReferences[0].UID = "other" },
		"addresses":     func(s observer.State) { s.Slices["chat"].Endpoints = nil },
		"service":       func(s observer.State) { delete(s.Services, "chat") },
	} {
		if normal(state("a7c2", now, edit), "10.1.0.a7c2") == want {
			t.Errorf("two runs that end otherwise are taken for the same: %s", what)
		}
	}
}
