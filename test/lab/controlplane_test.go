// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/breakwater-dev/breakwater/test/lab"
)

const widgetCRD = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object}}
`

func TestControlPlane(t *testing.T) {
	crd := filepath.Join(t.TempDir(), "widget.yaml")
	if err := os.WriteFile(crd, []byte(widgetCRD), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := lab.StartControlPlane(t.Context(), lab.WithCRDs(crd), lab.WithAuditLog())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Run("Kubectl", func(t *testing.T) { testKubectl(t, c) })
	t.Run("DualStack", func(t *testing.T) { testDualStack(t, c) })
	t.Run("Audit", func(t *testing.T) { testAudit(t, c) })
	t.Run("Restart", func(t *testing.T) { testRestart(t, c) })
}

func testKubectl(t *testing.T, c *lab.ControlPlane) {
	out, err := c.Kubectl(t.Context(), "get", "crd", "-o", "name")
	if want := "customresourcedefinition.apiextensions.k8s.io/widgets.example.com\n"; err != nil || out != want {
		t.Errorf("kubectl get crd = %q, %v; want %q", out, err, want)
	}
	_, err = c.Kubectl(t.Context(), "get", "configmap", "absent")
	if err == nil || !strings.Contains(err.Error(), `configmaps "absent" not found`) {
		t.Errorf("kubectl get of an absent object: error %v; want what kubectl printed", err)
	}
}

func testDualStack(t *testing.T, c *lab.ControlPlane) {
	policy := corev1.IPFamilyPolicyRequireDualStack
	service, err := clientset(t, c.Config).CoreV1().Services("default").Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "dual"},
		Spec:       corev1.ServiceSpec{IPFamilyPolicy: &policy, Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	families := []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}
	if diff := cmp.Diff(families, service.Spec.IPFamilies); diff != "" {
		t.Errorf("families of the Service (-want +got):\n%s", diff)
	}
}

func testAudit(t *testing.T, c *lab.ControlPlane) {
	alice, err := c.UserConfig("alice", "system:masters")
	if err != nil {
		t.Fatal(err)
	}
	mallory, err := c.UserConfig("mallory")
	if err != nil {
		t.Fatal(err)
	}
	configMaps := clientset(t, alice).CoreV1().ConfigMaps("default")
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "audited"}}
	if _, err := configMaps.Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := configMaps.Get(t.Context(), "audited", metav1.GetOptions{}); err != nil {
		t.Fatal(err)
	}
	ctx, stopWatch := context.WithCancel(t.Context())
	defer stopWatch()
	if _, err := configMaps.Watch(ctx, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	err = clientset(t, mallory).CoreV1().ConfigMaps("default").Delete(t.Context(), "audited", metav1.DeleteOptions{})
	if !apierrors.IsForbidden(err) {
		t.Fatalf("delete by a user without rights: %v; want Forbidden", err)
	}

	got, err := c.Audit(t.Context(), func(e lab.AuditEvent) bool { return e.User == "alice" || e.User == "mallory" })
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		User, Verb, Name string
		Code             int
		Write            bool
	}
	var lines []line
	for _, e := range got {
		if e.Resource != "configmaps" || e.Namespace != "default" || e.Received.IsZero() {
			t.Errorf("unexpected request %+v", e)
		}
		code := e.Code
		if e.Verb == "watch" {
			code = 0
		}
		lines = append(lines, line{e.User, e.Verb, e.Name, code, e.IsWrite()})
	}
	want := []line{
		{"alice", "create", "audited", 201, true},
		{"alice", "get", "audited", 200, false},
		{"alice", "watch", "", 0, false},
		{"mallory", "delete", "audited", 403, true},
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("audited requests (-want +got):\n%s", diff)
	}
}

func testRestart(t *testing.T, c *lab.ControlPlane) {
	before := clientset(t, c.Config).CoreV1()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept"}}
	if _, err := before.ConfigMaps("default").Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := c.StopAPIServer(); err != nil {
		t.Fatal(err)
	}
	if _, err := before.ConfigMaps("default").Get(t.Context(), "kept", metav1.GetOptions{}); err == nil {
		t.Error("a stopped API server answered")
	}
	if err := c.StartAPIServer(); err != nil {
		t.Fatal(err)
	}
	if _, err := before.ConfigMaps("default").Get(t.Context(), "kept", metav1.GetOptions{}); err != nil {
		t.Errorf("the object from before the restart: %v", err)
	}
}

func clientset(t *testing.T, config *rest.Config) *kubernetes.Clientset {
	t.Helper()
	c, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
