// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// served is a server of a dialect, and the probe that an LLMBackend asks it with.
type served struct {
	name    string
	dialect lab.Dialect
	model   string
	probe   llmv1alpha1.ProbeSpec
	verdict map[lab.State]string // as of misbehaviours; "" for healthy
}

func preset(p llmv1alpha1.ProbePreset) llmv1alpha1.ProbeSpec {
	return llmv1alpha1.ProbeSpec{Preset: p}
}

// freeProbes ask nothing that is billed: what each preset does by itself, and what has no preset.
func freeProbes() []served {
	return []served{
		{"vllm", lab.VLLM, "", preset(llmv1alpha1.PresetVLLM), map[lab.State]string{
			lab.Starting: "ConnectionReset", lab.Ready: "", lab.Overloaded: "", lab.WrongKey: "", lab.DeadEngine: "Status503",
		}},
		{"sglang", lab.SGLang, "", preset(llmv1alpha1.PresetSGLang), map[lab.State]string{
			lab.Starting: "Status503", lab.Ready: "", lab.DeadEngine: "Status503",
		}},
		{"tgi", lab.TGI, "", preset(llmv1alpha1.PresetTGI), map[lab.State]string{
			lab.Starting: "ConnectionReset", lab.Ready: "", lab.Overloaded: "", lab.DeadEngine: "Status503",
		}},
		{"llamacpp", lab.LlamaCpp, "", preset(llmv1alpha1.PresetLlamaCpp), map[lab.State]string{
			lab.Starting: "Status503", lab.Ready: "", lab.WrongKey: "", lab.DeadEngine: "ConnectionReset",
		}},
		{"ollama", lab.Ollama, "", preset(llmv1alpha1.PresetOllama), map[lab.State]string{
			lab.Ready: "", lab.Overloaded: "", lab.DeadEngine: "ConnectionReset",
		}},
		{"ollama-model", lab.Ollama, "llama3", preset(llmv1alpha1.PresetOllama), map[lab.State]string{
			lab.Ready: "", lab.Overloaded: "Status503", lab.DeadEngine: "ConnectionReset",
		}},
		{"ollama-other-model", lab.Ollama, "mistral", preset(llmv1alpha1.PresetOllama), map[lab.State]string{
			lab.Ready: "[ModelMissing]",
		}},
		{"azure", lab.AzureOpenAI, "gpt", preset(llmv1alpha1.PresetAzureOpenAI), map[lab.State]string{
			lab.Ready: "", lab.Overloaded: "", lab.QuotaGone: "", lab.WrongKey: "", lab.DeadEngine: "Status503",
		}},
		{"anthropic", lab.Anthropic, "claude", preset(llmv1alpha1.PresetAnthropic), map[lab.State]string{
			lab.Ready: "", lab.Overloaded: "Status529", lab.QuotaGone: "QuotaExhausted", lab.WrongKey: "[BadCredentials]", lab.DeadEngine: "Status500",
		}},
		{"openai", lab.OpenAI, "gpt", llmv1alpha1.ProbeSpec{Type: llmv1alpha1.ProbeOpenAIModels}, map[lab.State]string{
			lab.Ready: "", lab.Overloaded: "Status503", lab.QuotaGone: "", lab.WrongKey: "[BadCredentials]", lab.DeadEngine: "Status500",
		}},
	}
}

func completions() []served {
	completion := llmv1alpha1.ProbeSpec{Type: llmv1alpha1.ProbeOpenAICompletion}
	azure := llmv1alpha1.ProbeSpec{Type: llmv1alpha1.ProbeOpenAICompletion, Preset: llmv1alpha1.PresetAzureOpenAI}
	return []served{
		{"asked-openai", lab.OpenAI, "gpt", completion, map[lab.State]string{
			lab.Ready: "", lab.Overloaded: "Status503", lab.QuotaGone: "QuotaExhausted", lab.WrongKey: "[BadCredentials]", lab.DeadEngine: "Status500",
		}},
		{"asked-for-another-model", lab.OpenAI, "mistral", completion, map[lab.State]string{lab.Ready: "[ModelMissing]"}},
		{"asked-vllm-for-another-model", lab.VLLM, "mistral", completion, map[lab.State]string{lab.Ready: "[ModelMissing]"}},
		{"asked-ollama-for-another-model", lab.Ollama, "mistral", completion, map[lab.State]string{lab.Ready: "[ModelMissing]"}},
		{"asked-vllm", lab.VLLM, "llama3", completion, map[lab.State]string{lab.Ready: "", lab.Overloaded: "Status503"}},
		{"asked-tgi", lab.TGI, "llama3", completion, map[lab.State]string{lab.Ready: "", lab.Overloaded: "RateLimited"}},
		{"asked-azure", lab.AzureOpenAI, "gpt", azure, map[lab.State]string{
			lab.Ready: "", lab.Overloaded: "", lab.QuotaGone: "RateLimited", lab.WrongKey: "[BadCredentials]",
		}},
	}
}

// serveHTTP serves at the n-th address of this world.
func (w *world) serveHTTP(n int, handler http.Handler) (url string) {
	w.t.Helper()
	listener, err := net.Listen("tcp", w.address(n)+":8000")
	if err != nil {
		w.t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	w.t.Cleanup(func() { _ = server.Close() })
	return "http://" + listener.Addr().String()
}

// wantVerdicts has an LLMBackend for each server in each of its states, and looks what becomes of it.
func (w *world) wantVerdicts(cases []served) (servers map[string]*lab.DialectServer) {
	w.t.Helper()
	servers = map[string]*lab.DialectServer{}
	verdicts := map[string]string{}
	for _, c := range cases {
		for state, verdict := range c.verdict {
			name := c.name + "-" + string(state)
			server := lab.NewDialectServer(c.dialect, "gpt", "llama3", "claude")
			server.SetState(state)
			url := w.serveHTTP(len(servers), server)
			servers[name], verdicts[name] = server, verdict
			w.apply(makeLLMBackend(name).primary("us-east", url).edit(func(s *llmv1alpha1.LLMBackendSpec) {
				s.Model, s.Probe.Preset, s.Probe.Type = c.model, c.probe.Preset, c.probe.Type
			}).obj())
		}
	}
	for name, verdict := range verdicts {
		if verdict != "" {
			w.wantVerdict(name, verdict)
		}
	}
	for name, verdict := range verdicts {
		if verdict == "" {
			w.wantHealthy(name, servers[name])
		}
	}
	return servers
}

// wantHealthy waits until more probes have come than would have opened the breaker or made a condition.
func (w *world) wantHealthy(name string, server *lab.DialectServer) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := server.WaitRequests(ctx, 5); err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	b := w.get(name)
	w.wantHistory(b)
	for _, c := range conditions(b) {
		if strings.HasPrefix(c, "ProbeInconclusive") {
			w.t.Errorf("%s: condition %s", name, c)
		}
	}
}

// What each preset makes of each state of its server, and that none of it is billed.
func TestPresets(t *testing.T) {
	w := newWorld(t)
	w.start()
	for name, server := range w.wantVerdicts(freeProbes()) {
		for _, r := range server.Requests() {
			if r.Billed() {
				t.Errorf("%s: %s %s is billed", name, r.Method, r.Path)
			}
		}
	}
}

func TestCompletions(t *testing.T) {
	w := newWorld(t)
	w.start()
	servers := w.wantVerdicts(completions())
	for _, r := range servers["asked-openai-ready"].Requests() {
		for _, want := range []string{`"max_completion_tokens":16`, `"stream":true`, `"model":"gpt"`} {
			if !strings.Contains(r.Body, want) {
				t.Fatalf("the request %s lacks %s", r.Body, want)
			}
		}
	}
}
