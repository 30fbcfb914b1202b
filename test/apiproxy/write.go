// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package apiproxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
)

// maxBody bounds what is kept of a request or an answer, in bytes.
const maxBody = 8 << 20

// Write is a request that changes something.
type Write struct {
	// Number is 1 for the first write since the newest Intercept.
	Number       int
	Method, Path string
	Body         string
	// Status is that of the API server's answer, 0 if there was none.
	Status int
}

// String is the request as a person would tell of it.
func (w Write) String() string {
	answer := "not sent"
	if w.Status != 0 {
		answer = fmt.Sprint(w.Status)
	}
	return fmt.Sprintf("%d. %s %s: %s", w.Number, w.Method, w.Path, answer)
}

// About says whether the write is of such a resource, such as "endpointslices"
// or "llmbackends/status".
func (w Write) About(resource string) bool { return resourceOf(w.Path) == resource }

// Forward passes a write on and returns the API server's answer, nil for none.
type Forward func() *Answer

// Interceptor takes the place of the API server for one write, and returns its
// answer; nil ends the connection without one. It runs without a lock held and
// for several writes at once.
type Interceptor func(w Write, forward Forward) *Answer

// Intercept has f called with every write from now on, and numbers them from 1
// again; nil passes them on.
func (p *Proxy) Intercept(f Interceptor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.intercept = f
	p.writes = nil
}

// Writes returns the writes since the newest Intercept.
func (p *Proxy) Writes() []Write {
	p.mu.Lock()
	defer p.mu.Unlock()
	writes := make([]Write, len(p.writes))
	for i, w := range p.writes {
		writes[i] = *w
	}
	return writes
}

// numbered says whether a request is a numbered write.
func numbered(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	resource := resourceOf(req.URL.Path)
	return resource != "events" && resource != "leases"
}

func (p *Proxy) serveWrite(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(io.LimitReader(req.Body, maxBody))
	if err != nil {
		return
	}
	// What has been sent arrives, also when its sender has gone meanwhile.
	req = req.WithContext(context.WithoutCancel(req.Context()))
	req.Body = io.NopCloser(bytes.NewReader(body))
	write, number, intercept := p.number(req, string(body))
	forward := func() *Answer {
		response, err := p.send(req)
		if err != nil {
			return nil
		}
		answer, err := answerOf(response)
		if err != nil {
			return nil
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		write.Status = answer.Status
		return answer
	}
	var answer *Answer
	if intercept == nil {
		answer = forward()
	} else {
		answer = intercept(number, forward)
	}
	if answer == nil {
		hangUp(w)
		return
	}
	answer.writeTo(w)
}

func (p *Proxy) number(req *http.Request, body string) (*Write, Write, Interceptor) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &Write{Number: len(p.writes) + 1, Method: req.Method, Path: req.URL.Path, Body: body}
	p.writes = append(p.writes, w)
	return w, *w, p.intercept
}
