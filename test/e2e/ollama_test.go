// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// tinyModel is the name of a model without a single weight.
const tinyModel = "tiny"

// What probes make of a real Ollama, with a model and without.
func TestOllama(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ollama := w.ollama()
	w.createModel()
	preset := llmv1alpha1.ProbeSpec{Preset: llmv1alpha1.PresetOllama}
	list := llmv1alpha1.ProbeSpec{Type: llmv1alpha1.ProbeOpenAIModels}
	completion := llmv1alpha1.ProbeSpec{Type: llmv1alpha1.ProbeOpenAICompletion}

	// Where the primary refuses connections, traffic goes to Ollama once that has answered well.
	for name, b := range map[string]*llmv1alpha1.LLMBackend{
		"runs":         w.asks(preset, ""),
		"has-model":    w.asks(preset, tinyModel),
		"lists":        w.asks(list, ""),
		"lists-models": w.asks(list, tinyModel+":latest"),
	} {
		b.Name = name
		b.Spec.Primary.Endpoint.URL, b.Spec.Secondaries[0].Endpoint.URL = "http://"+w.addr(0, 1), "http://"+w.addr(1, 0)
		w.create(b)
		w.awaitStatus(name, "traffic moves to Ollama", func(s *llmv1alpha1.LLMBackendStatus) bool { return s.ActiveRegion == secondary })
	}
	// Where Ollama has not got the model, that says nothing of its health.
	for name, b := range map[string]*llmv1alpha1.LLMBackend{
		"lacks-model":       w.asks(preset, "llama3"),
		"lists-others":      w.asks(list, "llama3"),
		"completes-nothing": w.asks(completion, "llama3"),
	} {
		b.Name = name
		b.Spec.Primary.Endpoint.URL, b.Spec.Secondaries = "http://"+w.addr(1, 0), nil
		w.create(b)
		s := w.awaitStatus(name, "a model is missing", func(s *llmv1alpha1.LLMBackendStatus) bool {
			c := meta.FindStatusCondition(s.Conditions, llmv1alpha1.ConditionProbeInconclusive)
			return c != nil && c.Reason == llmv1alpha1.ReasonModelMissing
		})
		if len(s.History) > 0 {
			t.Errorf("%s: history %v; want none", name, s.History)
		}
	}
	if err := ollama.Kill(); err != nil {
		t.Fatal(err)
	}
	w.awaitStatus("has-model", "Ollama is gone", func(s *llmv1alpha1.LLMBackendStatus) bool {
		return s.Regions[1].Breaker.State == llmv1alpha1.BreakerOpen
	})
}

// asks is an LLMBackend with a probe and a model.
func (w *world) asks(probe llmv1alpha1.ProbeSpec, model string) *llmv1alpha1.LLMBackend {
	b := w.backend()
	b.Spec.Model = model
	b.Spec.Probe.Type, b.Spec.Probe.Preset = probe.Type, probe.Preset
	return b
}

// awaitStatus waits until the status of an LLMBackend is as wanted.
func (w *world) awaitStatus(name, what string, so func(*llmv1alpha1.LLMBackendStatus) bool) *llmv1alpha1.LLMBackendStatus {
	w.t.Helper()
	var b llmv1alpha1.LLMBackend
	w.eventually(name+": "+what, func() bool {
		err := w.client.Get(w.t.Context(), types.NamespacedName{Namespace: w.ns, Name: name}, &b)
		return err == nil && so(&b.Status)
	})
	return &b.Status
}

// ollama starts Ollama as the secondary region, and waits until it serves.
func (w *world) ollama() *lab.Process {
	w.t.Helper()
	program := filepath.Join(root, "bin", "ollama")
	if _, err := os.Stat(program); err != nil {
		w.t.Fatalf(`no Ollama: %v: run "make e2e"`, err)
	}
	home := w.t.TempDir()
	p, err := hosts[1].StartProcess("Ollama", filepath.Join(home, "log"), "env",
		"HOME="+home, "OLLAMA_HOST="+w.addr(1, 0), program, "serve")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = p.Kill() })
	w.eventually("Ollama serves", func() bool {
		_, err := w.askOllama(http.MethodGet, "/api/version", nil)
		return err == nil
	})
	return p
}

// createModel gives Ollama a model, so that it has one to list.
func (w *world) createModel() {
	w.t.Helper()
	file := gguf()
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(file))
	if _, err := w.askOllama(http.MethodPost, "/api/blobs/"+digest, file); err != nil {
		w.t.Fatal(err)
	}
	request := fmt.Appendf(nil, `{"model": %q, "files": {"tiny.gguf": %q}, "stream": false}`, tinyModel, digest)
	if answer, err := w.askOllama(http.MethodPost, "/api/create", request); err != nil || !strings.Contains(answer, "success") {
		w.t.Fatalf("creating a model: %v, %s", err, answer)
	}
}

// askOllama makes a request from the node.
func (w *world) askOllama(method, path string, body []byte) (string, error) {
	req, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+w.addr(1, 0)+path, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	caller := &http.Client{Transport: &http.Transport{DialContext: cluster.Node.DialContext, DisableKeepAlives: true}}
	response, err := caller.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if response.StatusCode >= http.StatusBadRequest {
		return "", fmt.Errorf("%s %s: status %d: %s", method, path, response.StatusCode, answer)
	}
	return string(answer), err
}

// gguf is the file of a model: a header that names an architecture, and no
// tensors.
func gguf() []byte {
	const version, text, number = 3, uint32(8), uint32(4)
	file := []byte("GGUF")
	put := func(v any) { file, _ = binary.Append(file, binary.LittleEndian, v) }
	putString := func(s string) {
		put(uint64(len(s)))
		file = append(file, s...)
	}
	put(uint32(version))
	put(uint64(0)) // tensors
	put(uint64(3)) // keys
	putString("general.architecture")
	put(text)
	putString("llama")
	for _, key := range []string{"general.file_type", "llama.block_count"} {
		putString(key)
		put(number)
		put(uint32(0))
	}
	const alignment = 32
	return append(file, make([]byte, (alignment-len(file)%alignment)%alignment)...)
}
