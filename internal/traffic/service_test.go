// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func testOwner() Owner {
	return Owner{APIVersion: "llm.breakwater.dev/v1alpha1", Kind: "LLMBackend", Name: "chat", Namespace: "apps", UID: "uid-1"}
}

func TestDesiredService(t *testing.T) {
	const owned = `,"ownerReferences":[{"apiVersion":"llm.breakwater.dev/v1alpha1","kind":"LLMBackend","name":"chat",` +
		`"uid":"uid-1","controller":true,"blockOwnerDeletion":true}]`
	object := func(refs, spec string) string {
		return `{"kind":"Service","apiVersion":"v1","metadata":{"name":"llm","namespace":"apps",` +
			`"labels":{"app.kubernetes.io/managed-by":"breakwater"},` +
			`"annotations":{"llm.breakwater.dev/backend":"chat"}` + refs + `},"spec":` + spec + `}`
	}
	tests := map[string]struct {
		spec   ServiceSpec
		retain bool
		want   string
	}{
		"default family, http": {
			spec: ServiceSpec{Name: "llm", Port: 80, Scheme: "http"},
			want: object(owned, `{"ports":[{"name":"http","protocol":"TCP","port":80}]}`),
		},
		"retained, https": {
			spec:   ServiceSpec{Name: "llm", Port: 443, Scheme: "https"},
			retain: true,
			want:   object("", `{"ports":[{"name":"https","protocol":"TCP","port":443}]}`),
		},
		"one family": {
			spec: ServiceSpec{Name: "llm", Port: 80, Scheme: "http", IPFamilies: []corev1.IPFamily{corev1.IPv6Protocol}},
			want: object(owned, `{"ports":[{"name":"http","protocol":"TCP","port":80}],`+
				`"ipFamilies":["IPv6"],"ipFamilyPolicy":"SingleStack"}`),
		},
		"two families": {
			spec: ServiceSpec{Name: "llm", Port: 80, Scheme: "http", IPFamilies: []corev1.IPFamily{corev1.IPv6Protocol, corev1.IPv4Protocol}},
			want: object(owned, `{"ports":[{"name":"http","protocol":"TCP","port":80}],`+
				`"ipFamilies":["IPv6","IPv4"],"ipFamilyPolicy":"RequireDualStack"}`),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(DesiredService(testOwner(), test.spec, test.retain))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decodeJSON(t, test.want), decodeJSON(t, string(got))); diff != "" {
				t.Errorf("Service (-want +got):\n%s", diff)
			}
		})
	}
}

func decodeJSON(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
	return value
}

func TestServiceCurrent(t *testing.T) {
	spec := ServiceSpec{Name: "llm", Port: 80, Scheme: "http"}
	dual := ServiceSpec{Name: "llm", Port: 80, Scheme: "http", IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}}
	tests := map[string]struct {
		edit   func(*corev1.Service)
		spec   ServiceSpec
		retain bool
		want   bool
	}{
		"as created":              {spec: spec, want: true},
		"another port":            {spec: ServiceSpec{Name: "llm", Port: 81}, want: false},
		"another scheme":          {spec: ServiceSpec{Name: "llm", Port: 80, Scheme: "https"}, want: true},
		"a second family":         {spec: dual, want: false},
		"retained, still owned":   {spec: spec, retain: true, want: false},
		"retained, not owned":     {spec: spec, retain: true, edit: func(s *corev1.Service) { s.OwnerReferences = nil }, want: true},
		"not owned":               {spec: spec, edit: func(s *corev1.Service) { s.OwnerReferences = nil }, want: false},
		"owned without blocking":  {spec: spec, edit: func(s *corev1.Service) { s.OwnerReferences[0].BlockOwnerDeletion = nil }, want: false},
		"owned by the former UID": {spec: spec, edit: func(s *corev1.Service) { s.OwnerReferences[0].UID = "uid-0" }, want: false},
		"port and label of others": {spec: spec, edit: func(s *corev1.Service) {
			s.Labels["team"] = "ml"
			s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{Name: "extra", Port: 9, Protocol: corev1.ProtocolTCP})
		}, want: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			svc := &corev1.Service{}
			if err := convert(DesiredService(testOwner(), spec, false), svc); err != nil {
				t.Fatal(err)
			}
			if test.edit != nil {
				test.edit(svc)
			}
			if got := serviceCurrent(svc, testOwner(), test.spec, test.retain); got != test.want {
				t.Errorf("serviceCurrent = %v, want %v", got, test.want)
			}
		})
	}
}

func TestKeptReferences(t *testing.T) {
	yes := true
	own := metav1.OwnerReference{APIVersion: "llm.breakwater.dev/v1alpha1", Kind: "LLMBackend", Name: "chat", UID: "uid-1", Controller: &yes}
	former := metav1.OwnerReference{APIVersion: "llm.breakwater.dev/v1beta1", Kind: "LLMBackend", Name: "chat", UID: "uid-0"}
	controller := metav1.OwnerReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "d", UID: "uid-2", Controller: &yes}
	plain := metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "c", UID: "uid-3"}
	all := []metav1.OwnerReference{former, own, controller, plain}

	if diff := cmp.Diff([]metav1.OwnerReference{own, plain}, keptReferences(all, testOwner(), false)); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]metav1.OwnerReference{plain}, keptReferences(all, testOwner(), true)); diff != "" {
		t.Errorf("kept with retain (-want +got):\n%s", diff)
	}
}
