// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

const monitoring = "config/components/prometheus/"

// alertRules reads the PrometheusRule as the Prometheus operator does, and refuses what that does not know.
func alertRules(t *testing.T) *monitoringv1.PrometheusRule {
	t.Helper()
	rules := &monitoringv1.PrometheusRule{}
	readStrictly(t, "rules.yaml", rules)
	return rules
}

func readStrictly(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(inRepository(monitoring + file))
	if err == nil {
		err = yaml.UnmarshalStrict(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// promtool runs promtool in a folder that has the rules, or skips the test.
func promtool(t *testing.T, dir string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("promtool is not installed: it is part of Prometheus")
	}
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestAlerts lets promtool play the series of testdata/alerts.yaml against the rules.
func TestAlerts(t *testing.T) {
	dir := t.TempDir()
	rules, err := yaml.Marshal(alertRules(t).Spec)
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("testdata/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"rules.yaml": rules, "alerts.yaml": tests} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, group := range alertRules(t).Spec.Groups {
		for _, rule := range group.Rules {
			if strings.Count(string(tests), "alertname: "+rule.Alert+"\n") < 2 {
				t.Errorf("alert %s: testdata/alerts.yaml has to say when it fires and when it does not", rule.Alert)
			}
		}
	}
	promtool(t, dir, "check", "rules", "rules.yaml")
	promtool(t, dir, "test", "rules", "alerts.yaml")
}

// TestRunbooks looks for the page of each alert, and for pages of alerts that are no more.
func TestRunbooks(t *testing.T) {
	const prefix = "https://github.com/breakwater-dev/breakwater/blob/main/"
	pages, err := filepath.Glob(inRepository("docs/runbooks/Breakwater*.md"))
	if err != nil {
		t.Fatal(err)
	}
	contents, err := os.ReadFile(inRepository("docs/runbooks/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range alertRules(t).Spec.Groups {
		for _, rule := range group.Rules {
			page, ok := strings.CutPrefix(rule.Annotations["runbook_url"], prefix)
			text, err := os.ReadFile(inRepository(page))
			if !ok || err != nil || filepath.Base(page) != rule.Alert+".md" {
				t.Errorf("alert %s: runbook_url %q (%v), want docs/runbooks/%[1]s.md", rule.Alert, rule.Annotations["runbook_url"], err)
				continue
			}
			for _, heading := range []string{"# " + rule.Alert, "## What it means", "## What to look at", "## What to do"} {
				if !strings.Contains(string(text), heading+"\n") {
					t.Errorf("%s has no %q", page, heading)
				}
			}
			if !strings.Contains(string(contents), "("+rule.Alert+".md)") {
				t.Errorf("docs/runbooks/README.md does not lead to %s", rule.Alert)
			}
			if rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" {
				t.Errorf("alert %s has no severity or no summary", rule.Alert)
			}
			pages = slices.DeleteFunc(pages, func(p string) bool { return filepath.Base(p) == rule.Alert+".md" })
		}
	}
	if len(pages) > 0 {
		t.Errorf("runbooks of no alert: %v", pages)
	}
}

// TestServiceMonitor reads it as the Prometheus operator does, and looks for the Service that it means.
func TestServiceMonitor(t *testing.T) {
	monitor := &monitoringv1.ServiceMonitor{}
	readStrictly(t, "service_monitor.yaml", monitor)
	service := find(t, rendered(t, installed.kubectl(t, "kustomize", inRepository("config/default"))), "Service", "breakwater-metrics")
	for key, value := range monitor.Spec.Selector.MatchLabels {
		if service.GetLabels()[key] != value {
			t.Errorf("it selects %s=%s, the Service has %v", key, value, service.GetLabels())
		}
	}
	if port := monitor.Spec.Endpoints[0].Port; !strings.Contains(installed.kubectl(t, "-n", operatorNamespace, "get", "service",
		"breakwater-metrics", "-o", "jsonpath={.spec.ports[*].name}"), port) {
		t.Errorf("the Service has no port %s", port)
	}
}

// TestDashboard reads the dashboard by Grafana's schema, which says no to what that does not know, and lets promtool read
// its expressions.
func TestDashboard(t *testing.T) {
	registered := cog.NewRuntime()
	registered.RegisterPanelcfgVariant(stat.VariantConfig())
	registered.RegisterPanelcfgVariant(statetimeline.VariantConfig())
	registered.RegisterPanelcfgVariant(bargauge.VariantConfig())
	registered.RegisterPanelcfgVariant(timeseries.VariantConfig())
	registered.RegisterDataqueryVariant(prometheus.VariantConfig())
	text, err := os.ReadFile(inRepository(monitoring + "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	// What reads strictly returns an empty list of errors for none, and then reads no panels: so it is read twice.
	if err := (&dashboard.Dashboard{}).UnmarshalJSONStrict(text); err != nil && err.Error() != "" {
		t.Fatal(err)
	}
	d := &dashboard.Dashboard{}
	if err := json.Unmarshal(text, d); err != nil {
		t.Fatal(err)
	}
	if err := d.Validate(); err != nil && err.Error() != "" {
		t.Error(err)
	}
	var expressions []string
	for _, a := range d.Annotations.List {
		if a.Expr != nil {
			expressions = append(expressions, *a.Expr)
		}
	}
	if len(expressions) == 0 {
		t.Error("no annotations of transitions")
	}
	kinds := map[string]int{}
	for _, p := range d.Panels {
		if p.Panel == nil {
			continue
		}
		kinds[p.Panel.Type]++
		for _, target := range p.Panel.Targets {
			query, ok := target.(*prometheus.Dataquery)
			if !ok {
				t.Fatalf("panel %q: a query of type %T, want one of Prometheus", *p.Panel.Title, target)
			}
			expressions = append(expressions, query.Expr)
		}
	}
	for _, kind := range []string{"stat", "state-timeline", "bargauge", "timeseries"} {
		if kinds[kind] == 0 {
			t.Errorf("no panel of type %s", kind)
		}
		delete(kinds, kind)
	}
	if len(kinds) > 0 {
		t.Errorf("panels of types whose schema is not registered above: %v", kinds)
	}
	promtool(t, asRules(t, expressions), "check", "rules", "rules.json")
}

// asRules writes expressions as recording rules, with values for the variables of the dashboard, and returns the folder.
func asRules(t *testing.T, expressions []string) string {
	t.Helper()
	values := strings.NewReplacer("$__rate_interval", "5m", "$__range", "6h", "$namespace", ".*", "$llmbackend", ".*")
	type rule struct {
		Record string `json:"record"`
		Expr   string `json:"expr"`
	}
	var rules []rule
	for _, expression := range expressions {
		expression = values.Replace(expression)
		if strings.Contains(expression, "$") {
			t.Errorf("a variable that is not known: %s", expression)
		}
		rules = append(rules, rule{"panel", expression})
	}
	text, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "rules.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
