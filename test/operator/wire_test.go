// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// wire is an operator's connection to the API server, on which a test can interfere.
type wire struct {
	mu     sync.Mutex
	traps  []*trap
	outage context.Context // ended while the API server is out of reach
	cut    context.CancelFunc
}

// trap takes the first request that it matches out of the API server's hands.
type trap struct {
	matches matcher
	answer  answerer
	sprung  chan struct{} // closed when the request has its answer
}

type (
	matcher func(req *http.Request, body string) bool
	// pass sends a request on to the API server.
	pass     func(*http.Request) (*http.Response, error)
	answerer func(*http.Request, pass) (*http.Response, error)
)

// wire has the operators that are started from now on use a connection of their own.
func (w *world) wire() *wire {
	l := &wire{}
	l.restore()
	w.transport = func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) { return l.roundTrip(req, next.RoundTrip) })
	}
	return l
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// once has answer take the place of the API server for the next request that matches.
func (l *wire) once(matches matcher, answer answerer) *trap {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &trap{matches: matches, answer: answer, sprung: make(chan struct{})}
	l.traps = append(l.traps, t)
	return t
}

// sever puts the API server out of reach: requests fail and watches end.
func (l *wire) sever() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut()
}

// restore brings the API server back.
func (l *wire) restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outage, l.cut = context.WithCancel(context.Background())
}

func (l *wire) roundTrip(req *http.Request, next pass) (*http.Response, error) {
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	caught, outage := l.catch(req, body)
	switch {
	case outage.Err() != nil:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case caught != nil:
		defer close(caught.sprung)
		return caught.answer(req, next)
	}
	ctx, cancel := context.WithCancel(req.Context())
	context.AfterFunc(outage, cancel)
	return next(req.WithContext(ctx))
}

// catch returns the trap that the request springs, if any.
func (l *wire) catch(req *http.Request, body string) (*trap, context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, t := range l.traps {
		if t.matches(req, body) {
			l.traps = append(l.traps[:i:i], l.traps[i+1:]...)
			return t, l.outage
		}
	}
	return nil, l.outage
}

// readBody reads the body of a request and puts it back.
func readBody(req *http.Request) (string, error) {
	if req.Body == nil {
		return "", nil
	}
	content, err := io.ReadAll(req.Body)
	req.Body = io.NopCloser(bytes.NewReader(content))
	return string(content), err
}

// await waits until the trap was sprung and the request has its answer.
func (t *trap) await(w *world) {
	w.t.Helper()
	select {
	case <-t.sprung:
	case <-time.After(patience):
		w.t.Fatalf("the request that the test waits for was not answered within %s", patience)
	}
}

// movingTo matches the status write that makes a region the active one.
func movingTo(region string) matcher {
	return func(req *http.Request, body string) bool {
		return req.Method == http.MethodPatch && strings.HasSuffix(req.URL.Path, "/status") &&
			strings.Contains(body, `"activeRegion":"`+region+`"`)
	}
}

// writingSlice matches a write of an EndpointSlice that exists.
func writingSlice(req *http.Request, _ string) bool {
	return req.Method == http.MethodPatch && strings.Contains(req.URL.Path, "/endpointslices/")
}

// refuseAsInvalid answers as an API server does whose schema does not take an object.
func refuseAsInvalid(req *http.Request, _ pass) (*http.Response, error) {
	content, err := json.Marshal(metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Reason: metav1.StatusReasonInvalid,
		Code: http.StatusUnprocessableEntity, Message: "refused for a test",
	})
	return &http.Response{
		StatusCode: http.StatusUnprocessableEntity, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(bytes.NewReader(content)), Request: req,
	}, err
}

// loseRequest lets a request get lost on its way.
func loseRequest(*http.Request, pass) (*http.Response, error) {
	return nil, errors.New("request lost, for a test")
}

// neverAnswer leaves a request without an answer until the operator gives it up.
func neverAnswer(req *http.Request, _ pass) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// loseAnswer has a request carried out and its answer lost.
func loseAnswer(req *http.Request, next pass) (*http.Response, error) {
	response, err := next(req)
	if err != nil {
		return nil, err
	}
	return nil, errors.Join(errors.New("answer lost, for a test"), response.Body.Close())
}
