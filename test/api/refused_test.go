// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// refusal is a change of the minimal LLMBackend that is refused.
type refusal struct {
	patch string
	want  causes
}

func refusals() []refusal {
	return slices.Concat(specRefusals(), regionRefusals(), urlRefusals(), serviceRefRefusals(), probeRefusals(), durationRefusals(),
		adaptiveRefusals(), llmRefusals(), signalRefusals(), budgetRefusals())
}

func TestRefused(t *testing.T) {
	c := newClient(t)
	for _, test := range refusals() {
		t.Run(test.patch, func(t *testing.T) {
			err := c.Create(t.Context(), manifest(t, "default", test.patch), client.DryRunAll)
			if diff := test.want.difference(err); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnknownFieldIsRefused(t *testing.T) {
	err := newClient(t).Create(t.Context(), manifest(t, "default", `{spec: {failover: {cooldown: 1s}}}`), client.DryRunAll)
	if want := `unknown field "spec.failover.cooldown"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v; want %s", err, want)
	}
}

// TestEveryRuleIsTested keeps a rule from being added without a case that shows its message.
func TestEveryRuleIsTested(t *testing.T) {
	tested := map[string]bool{seqMessage: true, serviceNameMessage: true}
	for _, r := range refusals() {
		for _, message := range r.want {
			tested[message] = true
		}
	}
	for _, message := range ruleMessages(readCRD(t)) {
		if !tested[message] {
			t.Errorf("no test has the message of this rule: %s", message)
		}
	}
}

func readCRD(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile(crdPath)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(text))
}

const rulesKey = "x-kubernetes-validations"

// ruleMessages returns the messages of all CEL rules in a part of a schema.
func ruleMessages(part any) []string {
	var messages []string
	switch part := part.(type) {
	case map[string]any:
		for key, value := range part {
			messages = append(messages, ruleMessages(value)...)
			if key != rulesKey {
				continue
			}
			for _, rule := range value.([]any) {
				messages = append(messages, rule.(map[string]any)["message"].(string))
			}
		}
	case []any:
		for _, value := range part {
			messages = append(messages, ruleMessages(value)...)
		}
	}
	return messages
}
