// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := controlPlane.Kubectl(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestExplain(t *testing.T) {
	for path, want := range map[string]string{
		"llmb":                             "LLMBackend keeps in-cluster traffic",
		"llmbackend.spec":                  "primary	<Object> -required-",
		"llmbackend.spec.primary.endpoint": "such as http://10.1.0.10:8000",
		"llmbackend.spec.probe":            "100ms to 1h",
		"llmbackend.status":                "transitionSeq is the number of the newest transition",
	} {
		out := kubectl(t, "explain", path)
		if !strings.Contains(out, want) {
			t.Errorf("kubectl explain %s does not say %q:\n%s", path, want, out)
		}
	}
}

// TestEveryFieldIsExplained looks at all fields, and at how their texts are broken: kubectl breaks lines
// again where they do not fit into its 80 columns.
func TestEveryFieldIsExplained(t *testing.T) {
	var walk func(path string, schema map[string]any)
	walk = func(path string, schema map[string]any) {
		properties, _ := schema["properties"].(map[string]any)
		for name, value := range properties {
			field, at := value.(map[string]any), path+"."+name
			description, _ := field["description"].(string)
			if description == "" && name != "metadata" {
				t.Errorf("%s has no description", at)
			}
			ours := !strings.Contains(at, ".conditions[].") && name != "apiVersion" && name != "kind"
			for line := range strings.Lines(description) {
				if ours && len(strings.TrimSpace(line)) > 76 {
					t.Errorf("%s: kubectl explain breaks the line %q", at, line)
				}
			}
			walk(at, field)
			if items, ok := field["items"].(map[string]any); ok {
				walk(at+"[]", items)
			}
		}
	}
	for _, version := range readCRD(t)["spec"].(map[string]any)["versions"].([]any) {
		schema := version.(map[string]any)["schema"].(map[string]any)
		walk("", schema["openAPIV3Schema"].(map[string]any))
	}
}

func TestColumns(t *testing.T) {
	c := newClient(t)
	backend := manifest(t, newNamespace(t, c))
	if err := c.Create(t.Context(), backend); err != nil {
		t.Fatal(err)
	}
	status := `{"status": {"activeRegion": "eu-west", "transitionSeq": 2, "activeSince": "2026-11-23T10:00:00.000000Z", "conditions": [
		{"type": "Ready", "status": "True", "reason": "ServingSecondary", "message": "", "lastTransitionTime": "2026-11-23T10:00:00Z"},
		{"type": "FailedOver", "status": "True", "reason": "FailedOver", "message": "", "lastTransitionTime": "2026-11-23T10:00:00Z"}]}}`
	if err := c.Status().Patch(t.Context(), backend, mergePatch(status)); err != nil {
		t.Fatal(err)
	}
	for resource, want := range map[string][]string{
		"llmb":       {"NAME", "ACTIVE", "PRIMARY", "FAILEDOVER", "READY", "SEQ", "SINCE", "AGE"},
		"breakwater": {"NAME", "ACTIVE", "PRIMARY", "FAILEDOVER", "READY", "SEQ", "SINCE", "AGE"},
		"llmbackend": {"NAME", "ACTIVE", "PRIMARY", "FAILEDOVER", "READY", "SEQ", "SINCE", "AGE", "REASON", "ENDPOINT"},
	} {
		args := []string{"get", resource, "-n", backend.GetNamespace()}
		if resource == "llmbackend" {
			args = append(args, "-o", "wide")
		}
		header, row, _ := strings.Cut(kubectl(t, args...), "\n")
		if got := strings.Fields(header); !slices.Equal(got, want) {
			t.Errorf("columns of kubectl %v: %v; want %v", args, got, want)
		}
		if got := strings.Fields(row); len(got) < 6 || !slices.Equal(got[:6], []string{"chat", "eu-west", "us-east", "True", "True", "2"}) {
			t.Errorf("row of kubectl %v: %v", args, got)
		}
	}
}

func TestSamples(t *testing.T) {
	const samples = "../../config/samples"
	files, err := filepath.Glob(samples + "/llm_*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("samples: %v, %v", files, err)
	}
	kustomization, err := os.ReadFile(samples + "/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.Contains(string(kustomization), "- "+filepath.Base(file)+"\n") {
			t.Errorf("the kustomization lacks %s", file)
		}
	}
	out := kubectl(t, "apply", "--dry-run=server", "--validate=strict", "-k", samples)
	if got := strings.Count(out, " created (server dry run)\n"); got != len(files) {
		t.Errorf("%d of %d samples applied:\n%s", got, len(files), out)
	}
}
