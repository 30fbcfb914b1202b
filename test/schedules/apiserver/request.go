// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Request is what a [Connection] asks its faults about.
type Request struct {
	Verb        string // get, list, watch, create, patch, apply, delete
	Resource    string
	Name        string
	Subresource string
}

// Writes says whether the request may change something.
func (r Request) Writes() bool {
	return r.Verb != "get" && r.Verb != "list" && r.Verb != "watch"
}

// Fate is what becomes of one request.
type Fate struct {
	// There and Back are how long request and reply take.
	There, Back time.Duration
	// Refused: there is no connection, and the request never arrives. Lost: it is answered, and the answer
	// gets lost.
	Refused, Lost bool
	// Code, if not 0, is what the server answers without doing anything, with RetryAfter in seconds if that is
	// not 0.
	Code       int
	RetryAfter int
}

// parse reads /api/v1/namespaces/<namespace>/<resource>/<name>/<subresource> and what is like it.
func parse(req *http.Request) (Request, key, error) {
	parts := strings.Split(strings.Trim(req.URL.Path, "/"), "/")
	skip := 2
	if parts[0] == "apis" {
		skip = 3
	}
	if len(parts) <= skip {
		return Request{}, key{}, fmt.Errorf("no resource in %s", req.URL.Path)
	}
	parts = parts[skip:]
	var k key
	if parts[0] == "namespaces" && len(parts) > 2 {
		k.namespace, parts = parts[1], parts[2:]
	}
	k.resource = parts[0]
	r := Request{Resource: k.resource}
	if len(parts) > 1 {
		k.name, r.Name = parts[1], parts[1]
	}
	if len(parts) > 2 {
		r.Subresource = parts[2]
	}
	r.Verb = verb(req, k.name)
	return r, k, nil
}

func verb(req *http.Request, name string) string {
	switch {
	case req.Method == http.MethodGet && req.URL.Query().Get("watch") != "":
		return "watch"
	case req.Method == http.MethodGet && name == "":
		return "list"
	case req.Method == http.MethodGet:
		return "get"
	case req.Method == http.MethodPost:
		return "create"
	case req.Method == http.MethodPatch && strings.Contains(req.Header.Get("Content-Type"), "apply-patch"):
		return "apply"
	case req.Method == http.MethodPatch:
		return "patch"
	default:
		return strings.ToLower(req.Method)
	}
}
