// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulated

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestServe has a client find out what there is, write in protobuf as it does for built-in kinds, and watch a namespace.
func TestServe(t *testing.T) {
	server, err := Listen(50)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := client.NewWithWatch(&rest.Config{Host: server.URL(), QPS: -1}, client.Options{Scheme: clientgoscheme.Scheme})
	if err != nil {
		t.Fatal(err)
	}
	watch, err := c.Watch(t.Context(), &corev1.ServiceList{}, client.InNamespace("bench"))
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()

	began := time.Now()
	for _, name := range []string{"a", "b", "c"} {
		for _, namespace := range []string{"another", "bench"} {
			service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
			service.Spec.Ports = []corev1.ServicePort{{Port: 80}}
			if err := c.Create(t.Context(), service); err != nil {
				t.Fatal(err)
			}
		}
		seen, ok := (<-watch.ResultChan()).Object.(*corev1.Service)
		if !ok || seen.Namespace != "bench" || seen.Name != name || seen.Spec.ClusterIP == "" {
			t.Errorf("the watch brought %v, want Service %s with a cluster IP", seen, name)
		}
	}
	if least := 5 * time.Second / 50; time.Since(began) < least {
		t.Errorf("6 writes took %s, want %s at least", time.Since(began), least)
	}
	if got := server.Writes(); got != 6 {
		t.Errorf("%d writes are counted, want 6", got)
	}
}
