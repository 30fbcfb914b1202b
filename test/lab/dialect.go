// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Dialect names a server or a provider whose answers a DialectServer gives, as its public documentation and source
// describe them.
type Dialect string

// The dialects.
const (
	VLLM        Dialect = "vLLM"
	SGLang      Dialect = "SGLang"
	TGI         Dialect = "TGI"
	LlamaCpp    Dialect = "LlamaCpp"
	Ollama      Dialect = "Ollama"
	AzureOpenAI Dialect = "AzureOpenAI"
	Anthropic   Dialect = "Anthropic"
	OpenAI      Dialect = "OpenAI"
)

// State is a state of such a server.
type State string

// The states. Not every server knows each.
const (
	Starting   State = "starting"
	Ready      State = "ready"
	Overloaded State = "overloaded"
	QuotaGone  State = "quota-gone"
	WrongKey   State = "wrong-key"
	DeadEngine State = "dead-engine"
)

// DialectServer answers as a server of a dialect does in a state. It is an http.Handler. Methods may be called
// concurrently.
type DialectServer struct {
	dialect Dialect
	models  []string

	mu       sync.Mutex
	state    State
	requests []Asked
	changed  chan struct{} // closed and replaced at each request
}

// Asked is a request that has come.
type Asked struct {
	Method, Path string
	Header       http.Header
	Body         string
}

// Billed says whether a provider bills such a request: one that makes tokens.
func (r Asked) Billed() bool { return r.Method == http.MethodPost }

// NewDialectServer returns a ready server that has the models.
func NewDialectServer(dialect Dialect, models ...string) *DialectServer {
	return &DialectServer{dialect: dialect, models: models, state: Ready, changed: make(chan struct{})}
}

// SetState changes the state for requests that arrive from now on.
func (s *DialectServer) SetState(state State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state
}

// Requests returns the requests that have come so far.
func (s *DialectServer) Requests() []Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// WaitRequests waits until at least n requests have come.
func (s *DialectServer) WaitRequests(ctx context.Context, n int) error {
	for {
		s.mu.Lock()
		got, changed := len(s.requests), s.changed
		s.mu.Unlock()
		if got >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d requests: %w", got, n, ctx.Err())
		}
	}
}

// ServeHTTP answers a request.
func (s *DialectServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(io.LimitReader(req.Body, maxRequestBytes))
	if err != nil {
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, Asked{req.Method, req.URL.Path, req.Header.Clone(), string(body)})
	close(s.changed)
	s.changed = make(chan struct{})
	state := s.state
	s.mu.Unlock()

	for _, r := range dialects()[s.dialect] {
		if r.matches(state, req) {
			r.answer(w, s.models)
			return
		}
	}
	s.standard(w, req, body)
}

// standard is what all have in common: models and completions of OpenAI's API.
func (s *DialectServer) standard(w http.ResponseWriter, req *http.Request, body []byte) {
	switch req.Method + " " + req.URL.Path {
	case "GET /v1/models":
		list(w, s.models)
	case "POST /v1/chat/completions":
		model := ""
		for _, m := range s.models {
			if strings.Contains(string(body), `"model":"`+m+`"`) {
				model = m
			}
		}
		if model == "" {
			send(w, http.StatusNotFound, missingModel(s.dialect))
			return
		}
		streamTokens(w, model)
	default:
		send(w, http.StatusNotFound, `{"detail":"Not Found"}`)
	}
}

// reply is what a server in a state says to a request; empty fields match all.
type reply struct {
	state  State
	path   string
	answer func(w http.ResponseWriter, models []string)
}

func (r reply) matches(state State, req *http.Request) bool {
	return (r.state == "" || r.state == state) && (r.path == "" || r.path == req.URL.Path)
}
