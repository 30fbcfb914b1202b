// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// maxRequestBytes is how much of a request's body a region reads.
const maxRequestBytes = 1 << 20

// wordInterval is the time between two words of a streamed answer whose length
// the client chose.
const wordInterval = 50 * time.Millisecond

// answer is what a healthy region says. Its words name the region, so that a
// client sees who served it.
func (r *Region) answer(w http.ResponseWriter, req *http.Request, body []byte) {
	switch req.Method + " " + req.URL.Path {
	case "GET /health":
		writeJSON(w, http.StatusOK, map[string]any{"status": "ok", "region": r.name})
	case "GET /v1/models":
		writeJSON(w, http.StatusOK, map[string]any{
			"object": "list",
			"data":   []any{map[string]any{"id": r.model, "object": "model", "owned_by": r.name}},
		})
	case "POST /v1/chat/completions":
		r.complete(w, req, body)
	default:
		writeError(w, http.StatusNotFound, "no such route: use GET /health, GET /v1/models or POST /v1/chat/completions")
	}
}

func (r *Region) complete(w http.ResponseWriter, req *http.Request, body []byte) {
	var request struct {
		Model     string `json:"model"`
		Stream    bool   `json:"stream"`
		MaxTokens int    `json:"max_tokens"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		writeError(w, http.StatusBadRequest, "the body is not JSON: "+err.Error())
		return
	}
	if request.Model != r.model {
		writeError(w, http.StatusNotFound, fmt.Sprintf("no model %q here: use %q", request.Model, r.model))
		return
	}
	if request.Stream {
		r.stream(w, request.MaxTokens, req.Context().Done())
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": "chatcmpl-" + r.name, "object": "chat.completion", "model": r.model,
		"choices": []any{map[string]any{
			"index":         0,
			"message":       map[string]any{"role": "assistant", "content": "Hello from " + r.name},
			"finish_reason": "stop",
		}},
	})
}

// stream sends the same completion as server-sent events, a word each. With a
// number of tokens it goes on for as many words, in good time, or until end.
func (r *Region) stream(w http.ResponseWriter, tokens int, end <-chan struct{}) {
	w.Header().Set("Content-Type", "text/event-stream")
	controller := http.NewResponseController(w)
	chunk := func(delta map[string]any, finish any) {
		event, _ := json.Marshal(map[string]any{
			"id": "chatcmpl-" + r.name, "object": "chat.completion.chunk", "model": r.model,
			"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}},
		})
		_, _ = fmt.Fprintf(w, "data: %s\n\n", event)
		_ = controller.Flush()
	}
	chunk(map[string]any{"role": "assistant", "content": ""}, nil)
	for _, word := range []string{"Hello ", "from ", r.name} {
		chunk(map[string]any{"content": word}, nil)
	}
	for i := 3; i < tokens; i++ {
		if !pause(wordInterval, end) {
			return
		}
		chunk(map[string]any{"content": " and on"}, nil)
	}
	chunk(map[string]any{}, "stop")
	_, _ = fmt.Fprint(w, "data: [DONE]\n\n")
}

func writeError(w http.ResponseWriter, code int, message string) {
	writeJSON(w, code, map[string]any{"error": map[string]any{"message": message, "type": "invalid_request_error"}})
}

// writeJSON ignores a client that has gone.
func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}
