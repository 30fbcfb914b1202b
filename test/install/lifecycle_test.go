// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// The name of the CRD, and the short name of what it defines.
const (
	crdName   = "llmbackends.llm.breakwater.dev"
	shortName = "llmb"
)

// TestChartLifecycle installs, upgrades, tests and uninstalls the chart, with traffic that has to stay.
func TestChartLifecycle(t *testing.T) {
	c := newCluster(t)
	release := []string{"breakwater", inRepository(chart), "--namespace", operatorNamespace}
	c.createNamespace(t, operatorNamespace)
	c.createNamespace(t, "apps")

	c.mustHelm(t, append([]string{"install", "--dry-run=server"}, release...)...)
	if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: operatorNamespace, Name: "breakwater-manager"}, &appsv1.Deployment{}); !apierrors.IsNotFound(err) {
		t.Fatalf("a dry run installed something: %v", err)
	}
	c.mustHelm(t, append([]string{"install"}, release...)...)

	kept := c.retained(t, "apps")

	t.Run("upgrade", func(t *testing.T) {
		older := c.olderChart(t)
		c.mustHelm(t, "upgrade", "breakwater", older, "--namespace", operatorNamespace)
		if c.hasShortName(t) {
			t.Fatal("the older chart did not change the CRD")
		}
		c.mustHelm(t, append([]string{"upgrade", "--set", "replicas=3"}, release...)...)
		if !c.hasShortName(t) {
			t.Error("an upgrade of the chart did not upgrade the CRD")
		}
		d := &appsv1.Deployment{}
		if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: operatorNamespace, Name: "breakwater-manager"}, d); err != nil {
			t.Fatal(err)
		}
		if *d.Spec.Replicas != 3 {
			t.Errorf("%d replicas, want the 3 of the upgrade", *d.Spec.Replicas)
		}
		c.checkKept(t, kept)
	})

	t.Run("uninstall", func(t *testing.T) {
		c.mustHelm(t, "uninstall", "breakwater", "--namespace", operatorNamespace)
		c.checkGone(t)
		c.checkKept(t, kept)
		if err := c.client.Get(t.Context(), client.ObjectKeyFromObject(kept.backend), &llmv1alpha1.LLMBackend{}); err != nil {
			t.Errorf("uninstalling removed the LLMBackend: %v", err)
		}
	})

	t.Run("delete the CRD", func(t *testing.T) {
		eventually(t, "CRD no longer guarded", func() error {
			crd := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: crdName}}
			return c.client.Delete(t.Context(), crd, client.DryRunAll)
		})
		c.kubectl(t, "delete", "-k", inRepository("config/crd"))
		c.checkKept(t, kept)
	})
}

// TestKustomizeLifecycle installs the rendered file, goes on with Helm, and deletes all that is in the file:
// everything goes but the CRD.
func TestKustomizeLifecycle(t *testing.T) {
	c := newCluster(t)
	c.createNamespace(t, "apps")
	file := filepath.Join(t.TempDir(), "install.yaml")
	if err := os.WriteFile(file, []byte(c.kubectl(t, "kustomize", inRepository("config/default"))), 0o600); err != nil {
		t.Fatal(err)
	}
	c.kubectl(t, "apply", "--server-side", "-f", file)
	c.kubectl(t, "apply", "--server-side", "-f", file) // an upgrade to the same
	kept := c.retained(t, "apps")

	eventually(t, "CRD guarded", func() error {
		crd := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: crdName}}
		if err := c.client.Delete(t.Context(), crd, client.DryRunAll); !isPolicyRefusal(err) {
			return errors.Join(errors.New("deleting the CRD is not refused"), err)
		}
		return nil
	})
	c.mustHelm(t, "install", "breakwater", inRepository(chart), "--namespace", operatorNamespace, "--take-ownership", "--force-conflicts")
	c.checkKept(t, kept)

	_, err := c.controlPlane.Kubectl(t.Context(), "delete", "-f", file, "--wait=false")
	if err == nil || !strings.Contains(err.Error(), "annotate the CRD with llm.breakwater.dev/allow-deletion=true") {
		t.Errorf("deleting everything says %v, want what to do to delete the CRD too", err)
	}
	c.checkGone(t)
	c.checkKept(t, kept)
	if err := c.client.Get(t.Context(), client.ObjectKeyFromObject(kept.backend), &llmv1alpha1.LLMBackend{}); err != nil {
		t.Errorf("the LLMBackend is gone: %v", err)
	}
}

// TestDeletingTheOperatorKeepsTheCRD is the documented way to uninstall, which succeeds.
func TestDeletingTheOperatorKeepsTheCRD(t *testing.T) {
	for _, o := range rendered(t, installed.kubectl(t, "kustomize", inRepository("config/operator"))) {
		if o.GetKind() == "CustomResourceDefinition" || o.GetKind() == "LLMBackend" {
			t.Errorf("deleting config/operator deletes %s %s", o.GetKind(), o.GetName())
		}
	}
	all := normalised(t, installed.kubectl(t, "kustomize", inRepository("config/default")))
	delete(all, "CustomResourceDefinition "+crdName)
	if diff := cmp.Diff(all, normalised(t, installed.kubectl(t, "kustomize", inRepository("config/operator")))); diff != "" {
		t.Errorf("config/operator is not config/default without the CRD (-want +got):\n%s", diff)
	}
}

// TestValuesSchema gives the chart values that it has to refuse.
func TestValuesSchema(t *testing.T) {
	tests := map[string]struct{ set, want string }{
		"a typing error":      {set: "replica=3", want: "additional properties 'replica' not allowed"},
		"replicas as text":    {set: "replicas=two", want: "got string, want integer"},
		"a bad namespace":     {set: "namespaces={Apps}", want: "does not match pattern"},
		"a flag without --":   {set: "extraArgs={zap-devel}", want: "does not match pattern"},
		"an unknown policy":   {set: "image.pullPolicy=Sometimes", want: "value must be one of 'Always', 'IfNotPresent', 'Never'"},
		"a repository of air": {set: "image.repository=", want: "minLength"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := installed.helm(t, "template", inRepository(chart), "--set", test.set)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("helm says %v, want %q\n%.300s", err, test.want, out)
			}
		})
	}
}

func TestChartLint(t *testing.T) {
	for _, values := range []string{"replicas=2", "namespaces={apps,team-a}", "addressPolicy.enabled=true", "crds.install=false,policies.install=false,flowControl.install=false,networkPolicy.install=false"} {
		installed.mustHelm(t, "lint", "--strict", inRepository(chart), "--set", values)
	}
}

// olderChart returns a copy of the chart as it could have been before: with a CRD that lacks the short name.
func (c *cluster) olderChart(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "breakwater")
	if err := os.CopyFS(dir, os.DirFS(inRepository(chart))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "files", "crd.yaml")
	crd, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	older := strings.Replace(string(crd), "    - "+shortName+"\n", "    - older\n", 1)
	if err := os.WriteFile(file, []byte(older), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (c *cluster) hasShortName(t *testing.T) bool {
	t.Helper()
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := c.client.Get(t.Context(), client.ObjectKey{Name: crdName}, crd); err != nil {
		t.Fatal(err)
	}
	return slices.Contains(crd.Spec.Names.ShortNames, shortName)
}

// traffic is what an LLMBackend with deletionPolicy Retain leaves behind.
type traffic struct {
	backend   *llmv1alpha1.LLMBackend
	addresses []string
}

// retained creates an LLMBackend with deletionPolicy Retain, and has an operator publish it.
func (c *cluster) retained(t *testing.T, namespace string) traffic {
	t.Helper()
	primary := region(t, "10.5.0.1:8000")
	b := backend(namespace, primary.URL(), "http://10.5.0.2:8000")
	b.Spec.Service.DeletionPolicy = llmv1alpha1.DeletionRetain
	if err := c.client.Create(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	o := c.start(t, "operator", "--leader-elect=false")
	c.awaitReady(t, namespace, "us-east")
	if err := o.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	return traffic{backend: b, addresses: c.slice(t, namespace).Endpoints[0].Addresses}
}

// checkKept checks that Service and slice are as they were, and that no owner takes them away: the garbage
// collector, which does that in a cluster, goes by nothing else.
func (c *cluster) checkKept(t *testing.T, kept traffic) {
	t.Helper()
	svc := &corev1.Service{}
	if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: kept.backend.Namespace, Name: "chat"}, svc); err != nil {
		t.Fatal(err)
	}
	slice := c.slice(t, kept.backend.Namespace)
	if diff := cmp.Diff(kept.addresses, slice.Endpoints[0].Addresses); diff != "" {
		t.Errorf("addresses (-before +after):\n%s", diff)
	}
	if owners := slices.Concat(svc.OwnerReferences, slice.OwnerReferences); len(owners) > 0 {
		t.Errorf("Service or slice go with their owners %v", owners)
	}
}

// checkGone checks that nothing of the operator is left, and that the CRD is.
func (c *cluster) checkGone(t *testing.T) {
	t.Helper()
	for _, o := range rendered(t, c.kubectl(t, "kustomize", inRepository("config/operator"))) {
		if o.GetKind() == "Namespace" {
			continue // no controller runs here that empties it
		}
		eventually(t, o.GetKind()+" "+o.GetName()+" gone", func() error {
			err := c.client.Get(t.Context(), client.ObjectKeyFromObject(o), o.DeepCopy())
			if apierrors.IsNotFound(err) {
				return nil
			}
			return errors.Join(errors.New("still there"), err)
		})
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := c.client.Get(t.Context(), client.ObjectKey{Name: crdName}, crd); err != nil || !crd.DeletionTimestamp.IsZero() {
		t.Errorf("the CRD is gone or going, since %v: %v", crd.DeletionTimestamp, err)
	}
}
