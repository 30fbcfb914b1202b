// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const chart = "charts/breakwater"

// rendered reads manifests.
func rendered(t *testing.T, manifests string) []*unstructured.Unstructured {
	t.Helper()
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(manifests), 4096)
	for {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(o.Object) > 0 {
			objects = append(objects, o)
		}
	}
}

// find returns the object of a kind and name.
func find(t *testing.T, objects []*unstructured.Unstructured, kind, name string) *unstructured.Unstructured {
	t.Helper()
	for _, o := range objects {
		if o.GetKind() == kind && o.GetName() == name {
			return o
		}
	}
	t.Fatalf("no %s %s", kind, name)
	return nil
}

// deployment returns the operator's Deployment.
func deployment(t *testing.T, objects []*unstructured.Unstructured) *appsv1.Deployment {
	t.Helper()
	d := &appsv1.Deployment{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(find(t, objects, "Deployment", "breakwater-manager").Object, d); err != nil {
		t.Fatal(err)
	}
	return d
}

// withComponent writes an overlay over a folder of config with an optional component, and returns its folder.
func withComponent(t *testing.T, base, component string) string {
	t.Helper()
	root, err := filepath.Abs(inRepository("config"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	relative, err := filepath.Rel(dir, root)
	if err != nil {
		t.Fatal(err)
	}
	overlay := "resources: [" + relative + "/" + base + "]\ncomponents: [" + relative + "/components/" + component + "]\n"
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(overlay), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestChartAndKustomizeAreTheSame compares what both install. The chart has no Namespace, since Helm makes that;
// kustomize has no test Pod; and metadata differ in the labels that each tool gives to everything, and in the
// annotation that tells Helm to keep the CRD.
func TestChartAndKustomizeAreTheSame(t *testing.T) {
	tests := map[string]struct {
		folder string
		values []string
	}{
		"by default":              {folder: inRepository("config/default"), values: []string{"--set", "image.tag=latest"}},
		"with the address policy": {folder: withComponent(t, "default", "address-policy"), values: []string{"--set", "image.tag=latest,addressPolicy.enabled=true"}},
		"with outcomes":           {folder: withComponent(t, "default", "outcomes"), values: []string{"--set", "image.tag=latest,outcomes.enabled=true"}},
		"for one namespace":       {folder: inRepository("config/namespaced"), values: []string{"--set", "image.tag=latest,namespaces={apps}"}},
		"for one namespace, with metrics": {
			folder: withComponent(t, "namespaced", "metrics-client-certificates"),
			values: []string{"--set", "image.tag=latest,namespaces={apps},metrics.clientCertificates.secretName=breakwater-metrics-tls"},
		},
		"with Prometheus and Grafana": {
			folder: withComponent(t, "default", "prometheus"),
			values: []string{"--set", "image.tag=latest,metrics.serviceMonitor.enabled=true,metrics.prometheusRule.enabled=true,metrics.dashboard.enabled=true"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"template", "breakwater", inRepository(chart), "--namespace", operatorNamespace}, test.values...)
			helm := normalised(t, installed.mustHelm(t, args...))
			kustomize := normalised(t, installed.kubectl(t, "kustomize", test.folder))
			delete(kustomize, "Namespace "+operatorNamespace)
			delete(helm, "Pod breakwater-test-leader")
			if len(kustomize) < 20 {
				t.Errorf("kustomize renders %d objects, want all of them", len(kustomize))
			}
			if diff := cmp.Diff(kustomize, helm); diff != "" {
				t.Errorf("-kustomize +helm:\n%s", diff)
			}
		})
	}
}

// normalised returns what is rendered by kind and name, without what each tool adds to the metadata.
func normalised(t *testing.T, manifests string) map[string]any {
	t.Helper()
	objects := map[string]any{}
	for _, o := range rendered(t, manifests) {
		kept := map[string]string{}
		for key, value := range o.GetLabels() {
			if strings.HasPrefix(key, "rbac.authorization.k8s.io/") {
				kept[key] = value
			}
		}
		o.SetLabels(kept)
		annotations := o.GetAnnotations()
		delete(annotations, "helm.sh/resource-policy")
		o.SetAnnotations(annotations)
		plain, err := json.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		var normal any // numbers of one type, whoever parsed them
		if err := json.NewDecoder(bytes.NewReader(plain)).Decode(&normal); err != nil {
			t.Fatal(err)
		}
		objects[strings.TrimSpace(o.GetKind()+" "+o.GetName())] = normal
	}
	return objects
}
