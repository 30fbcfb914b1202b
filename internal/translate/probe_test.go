// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/probe"
)

// asked returns what the probes of the primary ask: type, path, and the header of the credential.
func asked(t *testing.T, spec llmv1alpha1.ProbeSpec, region *llmv1alpha1.ProbeOverride, model string) string {
	t.Helper()
	b := chat()
	spec.Timeout, spec.Period = "3s", "5s"
	b.Spec.Probe, b.Spec.Primary.Probe, b.Spec.Model = spec, region, model
	_, targets, err := Input(b, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	target := targets["us-east"]
	return strings.TrimSpace(string(target.Type) + " " + target.Path + " " + CredentialsOf(b, b.Spec.Primary).Header)
}

func TestPresets(t *testing.T) {
	type spec = llmv1alpha1.ProbeSpec
	type region = llmv1alpha1.ProbeOverride
	key := llmv1alpha1.ProbeAuthorization{SecretKeyRef: llmv1alpha1.SecretKeyReference{Name: "keys", Key: "a"}}
	own := llmv1alpha1.ProbeAuthorization{Header: "x-own", SecretKeyRef: key.SecretKeyRef}
	path := llmv1alpha1.HTTPProbe{Path: "/ready"}
	for _, tc := range []struct {
		name   string
		spec   spec
		region *region
		model  string
		want   string
	}{
		{"nothing", spec{}, nil, "", "HTTP /health"},
		{"a model changes nothing", spec{}, nil, "llama3", "HTTP /health"},
		{"models", spec{Type: llmv1alpha1.ProbeOpenAIModels}, nil, "", "OpenAIModels /v1/models"},
		{"completion", spec{Type: llmv1alpha1.ProbeOpenAICompletion}, nil, "gpt", "OpenAICompletion /v1/chat/completions"},
		{"key", spec{Authorization: key}, nil, "", "HTTP /health Authorization"},
		{"vLLM", spec{Preset: llmv1alpha1.PresetVLLM}, nil, "", "HTTP /health"},
		{"SGLang", spec{Preset: llmv1alpha1.PresetSGLang}, nil, "", "HTTP /health"},
		{"TGI", spec{Preset: llmv1alpha1.PresetTGI}, nil, "", "HTTP /health"},
		{"LlamaCpp", spec{Preset: llmv1alpha1.PresetLlamaCpp}, nil, "", "HTTP /health"},
		{"Ollama", spec{Preset: llmv1alpha1.PresetOllama}, nil, "", "HTTP /api/version"},
		{"Ollama with a model", spec{Preset: llmv1alpha1.PresetOllama}, nil, "llama3", "OpenAIModels /v1/models"},
		{"AzureOpenAI", spec{Preset: llmv1alpha1.PresetAzureOpenAI, Authorization: key}, nil, "", "HTTP /status-0123456789abcdef api-key"},
		{"Anthropic", spec{Preset: llmv1alpha1.PresetAnthropic, Authorization: key}, nil, "", "OpenAIModels /v1/models?limit=1000 x-api-key"},
		{"path wins over the preset", spec{Preset: llmv1alpha1.PresetVLLM, HTTP: path}, nil, "", "HTTP /ready"},
		{"type wins over the preset", spec{Preset: llmv1alpha1.PresetAzureOpenAI, Type: llmv1alpha1.ProbeOpenAICompletion}, nil, "gpt", "OpenAICompletion /v1/chat/completions"},
		{"header wins over the preset", spec{Preset: llmv1alpha1.PresetAnthropic, Authorization: own}, nil, "", "OpenAIModels /v1/models?limit=1000 x-own"},
		{"a region's preset wins", spec{Preset: llmv1alpha1.PresetVLLM, Type: llmv1alpha1.ProbeTCP, HTTP: path, Authorization: own},
			&region{Preset: new(llmv1alpha1.PresetAzureOpenAI)}, "", "HTTP /status-0123456789abcdef api-key"},
		{"a region's path wins over its preset", spec{},
			&region{Preset: new(llmv1alpha1.PresetVLLM), HTTP: &llmv1alpha1.HTTPProbeOverride{Path: new("/x")}}, "", "HTTP /x"},
		{"a region's type", spec{Preset: llmv1alpha1.PresetVLLM}, &region{Type: new(llmv1alpha1.ProbeOpenAIModels)}, "", "OpenAIModels /v1/models"},
		{"a region's key", spec{}, &region{Authorization: key}, "", "HTTP /health Authorization"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := asked(t, tc.spec, tc.region, tc.model); got != tc.want {
				t.Errorf("asks %s, want %s", got, tc.want)
			}
		})
	}
}

// TestDefaultsAreFree: whatever the preset, nothing that is billed is asked unless the spec says so.
func TestDefaultsAreFree(t *testing.T) {
	for _, preset := range []llmv1alpha1.ProbePreset{
		"", llmv1alpha1.PresetVLLM, llmv1alpha1.PresetSGLang, llmv1alpha1.PresetTGI, llmv1alpha1.PresetLlamaCpp,
		llmv1alpha1.PresetOllama, llmv1alpha1.PresetAzureOpenAI, llmv1alpha1.PresetAnthropic,
	} {
		for _, model := range []string{"", "gpt"} {
			if got := asked(t, llmv1alpha1.ProbeSpec{Preset: preset}, nil, model); strings.HasPrefix(got, string(probe.OpenAICompletion)) {
				t.Errorf("preset %q with model %q asks %s", preset, model, got)
			}
		}
	}
}

func TestAsk(t *testing.T) {
	b := chat()
	b.Spec.Model = "llama3"
	b.Spec.Probe.Type = llmv1alpha1.ProbeOpenAIModels
	b.Spec.Probe.HTTP.Expect = &llmv1alpha1.HTTPExpectation{
		Statuses: []llmv1alpha1.StatusRange{"200", "500-599"}, Header: llmv1alpha1.HeaderMatch{Name: "x-ready", Value: "yes"},
		BodyContains: "ok", BodyExpression: "body.ok",
	}
	b.Spec.Probe.GRPC.Service = "llm"
	b.Spec.Probe.TLS = &llmv1alpha1.ProbeTLS{
		ServerName: "llm.example.com", CACertificateRef: llmv1alpha1.CACertificateReference{Kind: "ConfigMap", Name: "ours"},
		ClientCertificateRef: llmv1alpha1.ClientCertificateReference{Name: "client"},
	}
	header := llmv1alpha1.HeaderMatch{Name: "x-load", Value: "high"}
	b.Spec.Breaker.Rules = []llmv1alpha1.OutcomeRule{
		{Match: llmv1alpha1.OutcomeMatch{Header: header}, Outcome: llmv1alpha1.OutcomeFailure},
		{Match: llmv1alpha1.OutcomeMatch{Header: header, Status: "429", ErrorCode: "busy"}, Outcome: llmv1alpha1.OutcomeExcluded},
	}
	_, targets, err := Input(b, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	want := probe.Target{
		Scheme: "http", Host: "10.1.0.10", Port: 8000, Type: probe.OpenAIModels, Path: "/health", Model: "llama3", Service: "llm",
		Hostname: "chat.apps.svc", ServicePort: 80, ServerName: "llm.example.com", Timeout: 3 * time.Second, Report: []string{"X-Load"},
		Expect: probe.Expect{
			Statuses: []probe.StatusRange{{Min: 200, Max: 200}, {Min: 500, Max: 599}}, Header: probe.Header{Name: "X-Ready", Value: "yes"},
			Body: "ok", Expression: "body.ok",
		},
	}
	if diff := cmp.Diff(want, targets["us-east"]); diff != "" {
		t.Errorf("target (-want +got):\n%s", diff)
	}
	rules := []failover.Rule{
		{Header: "X-Load", HeaderValue: "high", Class: failover.Failure},
		{MinStatus: 429, MaxStatus: 429, ErrorCode: "busy", Header: "X-Load", HeaderValue: "high", Class: failover.Excluded},
	}
	if diff := cmp.Diff(&failover.Classifier{FailureStatusCodes: []int{503}, Rules: rules}, Classifier(b)); diff != "" {
		t.Errorf("classifier (-want +got):\n%s", diff)
	}
	credentials := Credentials{Namespace: "apps", CAKind: "ConfigMap", CA: "ours", ClientCertificate: "client"}
	if diff := cmp.Diff(credentials, CredentialsOf(b, b.Spec.Primary)); diff != "" {
		t.Errorf("credentials (-want +got):\n%s", diff)
	}
}

// TestIdentityOfQuestions: what probes have told is forgotten when they ask for something else.
func TestIdentityOfQuestions(t *testing.T) {
	identity := func(edit func(*llmv1alpha1.LLMBackendSpec)) string {
		b := chat()
		b.Spec.Probe.Type = llmv1alpha1.ProbeOpenAIModels
		b.Spec.Probe.Authorization = llmv1alpha1.ProbeAuthorization{SecretKeyRef: llmv1alpha1.SecretKeyReference{Name: "a", Key: "b"}}
		b.Spec.Probe.TLS = &llmv1alpha1.ProbeTLS{CACertificateRef: llmv1alpha1.CACertificateReference{Kind: "ConfigMap", Name: "a"}}
		edit(&b.Spec)
		in, _, err := Input(b, nil, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return in.Config.Regions[0].Identity
	}
	seen := map[string]string{}
	for name, edit := range map[string]func(*llmv1alpha1.LLMBackendSpec){
		"nothing": func(*llmv1alpha1.LLMBackendSpec) {},
		"model":   func(s *llmv1alpha1.LLMBackendSpec) { s.Model = "x" },
		"type":    func(s *llmv1alpha1.LLMBackendSpec) { s.Probe.Type = llmv1alpha1.ProbeGRPC },
		"service": func(s *llmv1alpha1.LLMBackendSpec) { s.Probe.GRPC.Service = "x" },
		"expectation": func(s *llmv1alpha1.LLMBackendSpec) {
			s.Probe.HTTP.Expect = &llmv1alpha1.HTTPExpectation{BodyContains: "x"}
		},
		"status": func(s *llmv1alpha1.LLMBackendSpec) {
			s.Probe.HTTP.Expect = &llmv1alpha1.HTTPExpectation{Statuses: []llmv1alpha1.StatusRange{"200"}}
		},
		"expression": func(s *llmv1alpha1.LLMBackendSpec) {
			s.Probe.HTTP.Expect = &llmv1alpha1.HTTPExpectation{BodyExpression: "x"}
		},
		"Secret":     func(s *llmv1alpha1.LLMBackendSpec) { s.Probe.Authorization.SecretKeyRef.Name = "x" },
		"key":        func(s *llmv1alpha1.LLMBackendSpec) { s.Probe.Authorization.SecretKeyRef.Key = "x" },
		"header":     func(s *llmv1alpha1.LLMBackendSpec) { s.Probe.Authorization.Header = "x" },
		"CA":         func(s *llmv1alpha1.LLMBackendSpec) { s.Probe.TLS.CACertificateRef.Name = "x" },
		"kind of CA": func(s *llmv1alpha1.LLMBackendSpec) { s.Probe.TLS.CACertificateRef.Kind = "Secret" },
		"certificate": func(s *llmv1alpha1.LLMBackendSpec) {
			s.Probe.TLS.ClientCertificateRef = llmv1alpha1.ClientCertificateReference{Name: "x"}
		},
		"server name": func(s *llmv1alpha1.LLMBackendSpec) { s.Probe.TLS.ServerName = "x" },
	} {
		id := identity(edit)
		if other, ok := seen[id]; ok {
			t.Errorf("%s and %s have the same identity %q", name, other, id)
		}
		seen[id] = name
	}
}
