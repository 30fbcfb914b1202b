// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// defaulted is the minimal LLMBackend as the API server returns it.
const defaulted = `
spec:
  service: {port: 80, deletionPolicy: Delete}
  primary: {name: us-east, endpoint: {url: "http://10.1.0.10:8000"}}
  secondaries:
  - {name: eu-west, endpoint: {url: "http://10.2.0.10:8000"}}
  probe:
    mode: Active
    period: 5s
    suspectPeriod: 1s
    timeout: 3s
    successThreshold: 1
  breaker:
    failureThreshold: 5
    openDuration: 60s
    retryAfterThreshold: 2m
    failureStatusCodes: [500, 502, 503, 504, 529]
    slowPercent: 50
    mode: Fixed
  failover: {mode: Automatic, minDuration: 30s, failback: Automatic}
status:
  observedGeneration: -1
  transitionSeq: 0
  activeSeq: 0
`

func TestDefaults(t *testing.T) {
	c := newClient(t)
	for _, patch := range []string{
		`{}`,
		`{spec: {service: {}, probe: {}, breaker: {}, failover: {}}}`,
		`{spec: {probe: {period: 5s}, breaker: {failureThreshold: 5}, failover: {mode: Automatic}}}`,
	} {
		t.Run(patch, func(t *testing.T) {
			got := manifest(t, "default", patch)
			if err := c.Create(t.Context(), got, client.DryRunAll); err != nil {
				t.Fatal(err)
			}
			part := map[string]any{"spec": got.Object["spec"], "status": got.Object["status"]}
			if diff := cmp.Diff(inNumbersOfJSON(t, parse(t, defaulted)), inNumbersOfJSON(t, part)); diff != "" {
				t.Errorf("defaults (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAdaptiveDefaults: what is not set of adaptive has its default; adaptive itself has none.
func TestAdaptiveDefaults(t *testing.T) {
	const defaults = `{lowFailurePercent: 10, highFailurePercent: 90, minFailureThreshold: 2, maxFailureThreshold: 20,
		minOpenDuration: 10s, maxOpenDuration: 10m}`
	c := newClient(t)
	for patch, want := range map[string]map[string]any{
		`{spec: {breaker: {mode: Adaptive}}}`:               nil,
		`{spec: {breaker: {mode: Adaptive, adaptive: {}}}}`: inNumbersOfJSON(t, parse(t, defaults)),
	} {
		t.Run(patch, func(t *testing.T) {
			got := manifest(t, "default", patch)
			if err := c.Create(t.Context(), got, client.DryRunAll); err != nil {
				t.Fatal(err)
			}
			breaker := got.Object["spec"].(map[string]any)["breaker"].(map[string]any)
			adaptive, _ := breaker["adaptive"].(map[string]any)
			if diff := cmp.Diff(want, inNumbersOfJSON(t, adaptive)); diff != "" {
				t.Errorf("adaptive (-want +got):\n%s", diff)
			}
		})
	}
}

// inNumbersOfJSON makes all numbers float64, in which YAML and the API server differ.
func inNumbersOfJSON(t *testing.T, object map[string]any) map[string]any {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(text))
}

// TestTypesTakeDefaults shows that what a Go client leaves at its zero value gets its default too.
func TestTypesTakeDefaults(t *testing.T) {
	c := newClient(t)
	scheme := runtime.NewScheme()
	if err := llmv1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	typed, err := client.New(controlPlane.Config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	want := manifest(t, newNamespace(t, c))
	if err := c.Create(t.Context(), want.DeepCopy()); err != nil {
		t.Fatal(err)
	}
	var stored llmv1alpha1.LLMBackend
	if err := typed.Get(t.Context(), client.ObjectKeyFromObject(want), &stored); err != nil {
		t.Fatal(err)
	}

	created := &llmv1alpha1.LLMBackend{Spec: llmv1alpha1.LLMBackendSpec{
		Primary:     llmv1alpha1.Region{Name: "us-east", Endpoint: llmv1alpha1.Endpoint{URL: "http://10.1.0.10:8000"}},
		Secondaries: []llmv1alpha1.Region{{Name: "eu-west", Endpoint: llmv1alpha1.Endpoint{URL: "http://10.2.0.10:8000"}}},
	}}
	created.Name, created.Namespace = "typed", want.GetNamespace()
	if err := typed.Create(t.Context(), created, client.FieldValidation("Strict")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(stored.Spec, created.Spec); diff != "" {
		t.Errorf("spec of a typed client (-as of YAML +got):\n%s", diff)
	}
	if diff := cmp.Diff(stored.Status, created.Status); diff != "" {
		t.Errorf("status of a typed client (-as of YAML +got):\n%s", diff)
	}
}

// primaryService has a primary region that is a Service.
const primaryService = `{spec: {primary: {endpoint: {url: null, serviceRef: %s}}}}`

func TestAccepted(t *testing.T) {
	c := newClient(t)
	patches := []string{
		`{spec: {secondaries: null}}`,
		`{spec: {secondaries: []}}`,
		`{metadata: {name: my.chat}, spec: {service: {name: chat}}}`,
		`{metadata: {name: 9chat}, spec: {service: {name: chat}}}`,
		`{metadata: {name: null, generateName: chat-}}`,
		`{metadata: {name: ` + strings.Repeat("a", 63) + `}}`,
		`{spec: {service: {ipFamilies: [IPv6, IPv4], hostname: chat.apps.svc, deletionPolicy: Retain, port: 65535}}}`,
		`{spec: {breaker: {failureStatusCodes: []}}}`,
		`{spec: {breaker: {failureStatusCodes: [400, 599], openDuration: 1s, retryAfterThreshold: 100ms}}}`,
		`{spec: {breaker: {openDuration: 24h, retryAfterThreshold: 23h60m}}}`,
		`{spec: {breaker: {mode: Adaptive}}}`,
		`{spec: {breaker: {mode: Adaptive, adaptive: {lowFailurePercent: 98, highFailurePercent: 99, minFailureThreshold: 100,
			maxFailureThreshold: 100, minOpenDuration: 24h, maxOpenDuration: 1440m}}}}`,
		`{spec: {breaker: {mode: Adaptive, adaptive: {lowFailurePercent: 1, highFailurePercent: 2, minFailureThreshold: 1,
			maxFailureThreshold: 1, minOpenDuration: 1s, maxOpenDuration: 1000ms}}}}`,
		`{spec: {failover: {mode: Observe, minDuration: 0s, failback: Manual}}}`,
		`{spec: {failover: {mode: Disabled, minDuration: 24h}}}`,
		`{spec: {probe: {type: TCP, mode: OnDemand, period: 100ms, timeout: 100ms, suspectPeriod: 100ms, successThreshold: 10}}}`,
		`{spec: {probe: {period: 1h, timeout: 1h, suspectPeriod: 1h}}}`,
		`{spec: {probe: {suspectPeriod: 100ms, timeout: 5s}}}`,
		`{spec: {probe: {period: 00001s, timeout: 1000ms}}}`,
		`{spec: {probe: {http: {path: "/health?model=a%20b&x=[~]"}}}}`,
		`{spec: {primary: {probe: {}}}}`,
		`{spec: {model: llama3, probe: {preset: Ollama}}}`,
		`{spec: {model: gpt, probe: {type: OpenAICompletion, mode: OnDemand}}}`,
		`{spec: {model: gpt, probe: {ladder: [{type: OpenAIModels, path: "/openai/v1/models"}, {type: OpenAICompletion}],
			budget: {maxCompletionsPerHour: 0, maxTokensPerDay: 1000000000}}, primary: {probe: {ladder: [],
			budget: {maxCompletionsPerHour: 100000, maxTokensPerDay: 0}}}}}`,
		`{spec: {probe: {type: GRPC, grpc: {service: llm}}}}`,
		`{spec: {probe: {http: {expect: {statuses: ["200", "500-599", "404-404"], header: {name: X-Ready, value: "yes"},
			bodyContains: ok, bodyExpression: "body.status == 'ok'"}}}}}`,
		`{spec: {probe: {authorization: {header: x-api-key, secretKeyRef: {name: anthropic.keys, key: api_key}},
			tls: {serverName: llm.example.com, caCertificateRef: {name: our-ca}, clientCertificateRef: {name: probe}}}}}`,
		`{spec: {breaker: {slowThreshold: 2s, slowPercent: 100, rules: [{match: {status: "409", errorCode: busy,
			header: {name: x-a, value: b}}, outcome: RateLimited}]}}}`,
		`{spec: {signals: {prometheus: {server: "http://prometheus.monitoring.svc:9090/prometheus", preset: Envoy,
			selectors: [{region: us-east, matchers: 'envoy_cluster_name="us-east"'}]}}}}`,
		`{spec: {signals: {prometheus: {server: "https://p", bad: "bad{${selector}}", total: "all{${selector}}", window: 1h, period: 1s}}}}`,
		`{spec: {signals: {prometheus: {server: "https://p", errorRatio: ratio, total: all, minCalls: 1, failurePercent: 1}}}}`,
		`{spec: {primary: {probe: {period: 10s, timeout: 10s}}}}`,
		`{spec: {primary: {probe: {http: {path: /}}}}}`,
		fmt.Sprintf(secondaryWithProbe, `{timeout: 5s}`),
		fmt.Sprintf(primaryService, `{name: vllm, port: 8000}`),
		fmt.Sprintf(primaryService, `{name: vllm, port: http, scheme: HTTP}`),
		fmt.Sprintf(primaryService, `{name: 9vllm, namespace: models, port: 65535}`),
		fmt.Sprintf(primaryService, `{name: vllm, port: `+strings.Repeat("a", 63)+`}`),
		fmt.Sprintf(primaryService, `{name: chat, namespace: models, port: 1}`),
		`{spec: {service: {name: models}, primary: {endpoint: {url: null, serviceRef: {name: chat, port: 80}}}}}`,
		`{spec: {primary: {endpoint: {url: "https://vllm.example.com"}},
			secondaries: [{name: local, endpoint: {serviceRef: {name: vllm, port: 443, scheme: HTTPS}}}]}}`,
	}
	for _, url := range []string{
		"http://10.1.0.10", "http://10.1.0.10:1", "http://10.1.0.10:65535", "http://255.255.255.254", "http://126.255.255.255",
		"http://[fd00::10]", "http://[FD00::10]:8000", "http://[2001:db8:0:0:0:0:0:1]:9999", "http://vllm", "http://vllm.example.com",
		"http://VLLM.Example.com:59999", "http://vllm.example.com.", "http://1e100.net", "http://10.1.0.10.nip.io", "http://xn--exmple-cua.com",
		"http://localhost.example.com", "http://notlocalhost", "http://" + strings.Repeat("a", 63) + ".b", "http://a--b", "http://0xyz",
	} {
		patches = append(patches, fmt.Sprintf(`{spec: {primary: {endpoint: {url: %q}}}}`, url))
	}
	for _, patch := range patches {
		t.Run(patch, func(t *testing.T) {
			if err := c.Create(t.Context(), manifest(t, "default", patch), client.DryRunAll); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBiggest shows that the rules stay within what the API server spends on them, whatever is stored.
func TestBiggest(t *testing.T) {
	c := newClient(t)
	const probe = `{type: HTTP, http: {path: %[1]q}, mode: Active, successThreshold: 10,
		period: 0000h00059m00059s00999ms, suspectPeriod: 0000h00059m00059s00999ms, timeout: 0000h00059m00059s00999ms}`
	path := "/" + strings.Repeat("a", 511)
	label, query := strings.Repeat("a", 63), strings.Repeat("q", 1024)
	for name, endpoint := range map[string]string{
		"dns":        `{url: "https://` + strings.Repeat(label+".", 3) + label[:61] + `.:65535"}`,
		"ipv6":       `{url: "https://[2001:0db8:1111:2222:3333:4444:5555:6666]:65535"}`,
		"serviceRef": fmt.Sprintf(`{serviceRef: {name: %[1]s, namespace: %[1]s, port: %[1]s, scheme: HTTPS}}`, label),
	} {
		t.Run(name, func(t *testing.T) {
			region := func(letter rune) string {
				return fmt.Sprintf(`{name: `+string(letter)+label[1:]+`, endpoint: %[2]s, probe: `+probe+`}`, path, endpoint)
			}
			var secondaries, regions, history, conditions, selectors strings.Builder
			for letter := 'b'; letter < 'b'+15; letter++ {
				secondaries.WriteString(region(letter) + ",")
			}
			for letter := 'b'; letter < 'b'+16; letter++ {
				name := string(letter) + label[1:]
				fmt.Fprintf(&selectors, `{region: %s, matchers: %s},`, name, strings.Repeat("m", 512))
				fmt.Fprintf(&regions, `{name: %s, breaker: {state: Open, reason: %s}},`, name, label)
				fmt.Fprintf(&history, `{seq: 7, time: "2026-11-23T10:00:00.000000Z", type: FailedOver, region: %[1]s, from: %[1]s, to: %[1]s, reason: %[1]s, message: %[2]s},`,
					name, strings.Repeat("m", 256))
				fmt.Fprintf(&conditions, `{type: %s, status: "True", reason: A, message: %s, lastTransitionTime: "2026-11-23T10:00:00Z"},`,
					name, strings.Repeat("m", 1024))
			}
			backend := manifest(t, newNamespace(t, c), `{spec: null}`,
				`{spec: {primary: `+region('a')+`, secondaries: [`+secondaries.String()+`], probe: `+fmt.Sprintf(probe, path)+`,
					signals: {prometheus: {server: "https://`+strings.Repeat("s", 248)+`", bad: `+query+`, total: `+query+`, selectors: [`+selectors.String()+`]}}}}`)
			if err := c.Create(t.Context(), backend); err != nil {
				t.Fatal(err)
			}
			merge(backend.Object, parse(t, `{status: {transitionSeq: 7, activeSeq: 7, regions: [`+regions.String()+`], history: [`+
				history.String()+`], conditions: [`+conditions.String()+`]}}`))
			if err := c.Status().Update(t.Context(), backend); err != nil {
				t.Fatal(err)
			}
			annotation := client.RawPatch(types.MergePatchType, []byte(`{"metadata": {"annotations": {"llm.breakwater.dev/reset": "1"}}}`))
			if err := c.Patch(t.Context(), backend, annotation); err != nil {
				t.Error(err)
			}
		})
	}
}
