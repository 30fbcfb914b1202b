// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
)

// RegionState is what a region's admin endpoint says of it.
type RegionState struct {
	Name        string         `json:"name"`
	Behaviour   Behaviour      `json:"behaviour"`
	Requests    map[string]int `json:"requests"` // by path
	Connections int            `json:"connections"`
}

// State returns behaviour and counts of the same moment.
func (r *Region) State() RegionState {
	r.mu.Lock()
	defer r.mu.Unlock()
	return RegionState{
		Name:        r.name,
		Behaviour:   r.behaviour,
		Requests:    maps.Clone(r.requests),
		Connections: r.connections,
	}
}

// Admin serves what lets another process control the region: GET /state
// answers with a RegionState, POST /behaviour sets a Behaviour.
func (r *Region) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, r.State())
	})
	mux.HandleFunc("POST /behaviour", func(w http.ResponseWriter, req *http.Request) {
		var b Behaviour
		decoder := json.NewDecoder(io.LimitReader(req.Body, maxRequestBytes))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&b)
		if err == nil {
			err = r.Set(b)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		writeJSON(w, http.StatusOK, r.State())
	})
	return mux
}

// ReadState asks the region whose admin endpoint listens on addr for its state.
func ReadState(ctx context.Context, addr string) (RegionState, error) {
	return callAdmin(ctx, http.MethodGet, addr, "/state", nil)
}

// SetBehaviour sets the behaviour of the region whose admin endpoint listens
// on addr, and returns its state after that.
func SetBehaviour(ctx context.Context, addr string, b Behaviour) (RegionState, error) {
	body, err := json.Marshal(b)
	if err != nil {
		return RegionState{}, err
	}
	return callAdmin(ctx, http.MethodPost, addr, "/behaviour", body)
}

func callAdmin(ctx context.Context, method, addr, path string, body []byte) (state RegionState, err error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+addr+path, bytes.NewReader(body))
	if err != nil {
		return state, err
	}
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		return state, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxRequestBytes))
	if err != nil {
		return state, err
	}
	if response.StatusCode != http.StatusOK {
		return state, fmt.Errorf("the region says: %s", strings.TrimSpace(string(answer)))
	}
	return state, json.Unmarshal(answer, &state)
}
