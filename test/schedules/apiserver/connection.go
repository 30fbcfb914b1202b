// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Connection is one client's way to the server. It is an http.RoundTripper.
type Connection struct {
	Server *Server
	// Name names the client in [Change.By].
	Name string
	// Fate says what becomes of a request; nil for the best.
	Fate func(Request) Fate
	// Lag says how long an event takes to a watcher; nil for no time.
	Lag func(resource string) time.Duration
	// WatchTime is about how long a watch lasts; 0 means five minutes, the least that clients ask for.
	WatchTime time.Duration
	// Arrived is asked when a request has arrived, and refuses it by an error; nil lets all in.
	Arrived func(Request) error
}

// RoundTrip serves a request.
func (c *Connection) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	r, k, err := parse(req)
	if err != nil {
		return nil, err
	}
	var fate Fate
	if c.Fate != nil {
		fate = c.Fate(r)
	}
	if err := wait(req.Context(), fate.There); err != nil {
		return nil, err
	}
	if fate.Refused {
		return nil, fmt.Errorf("connect to the API server: %w", syscall.ECONNREFUSED)
	}
	if c.Arrived != nil {
		if err := c.Arrived(r); err != nil {
			return nil, err
		}
	}
	if fate.Code == 0 && r.Verb == "watch" {
		return c.watch(req, k)
	}
	a := faulty(fate)
	if fate.Code == 0 {
		a = c.Server.answer(r, k, req.URL.Query(), body, c.Name)
	}
	if err := wait(req.Context(), fate.Back); err != nil {
		return nil, err
	}
	if fate.Lost {
		return nil, fmt.Errorf("read the API server's answer: %w", syscall.ECONNRESET)
	}
	return response(req, a, fate.RetryAfter), nil
}

func faulty(f Fate) answer {
	reasons := map[int]metav1.StatusReason{
		http.StatusTooManyRequests:     metav1.StatusReasonTooManyRequests,
		http.StatusInternalServerError: metav1.StatusReasonInternalError,
		http.StatusServiceUnavailable:  metav1.StatusReasonServiceUnavailable,
		http.StatusUnprocessableEntity: metav1.StatusReasonInvalid,
	}
	return failure(f.Code, reasons[f.Code], "the API server was told to say so")
}

func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer req.Body.Close()
	data, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	return data, nil
}

// answer does what a request asks for.
func (s *Server) answer(r Request, k key, query url.Values, body []byte, by string) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := s.kinds[r.Resource]
	if kind == nil {
		return failure(http.StatusNotFound, metav1.StatusReasonNotFound, "the server could not find the requested resource")
	}
	if kind.passing {
		return answer{http.StatusCreated, body}
	}
	switch r.Verb {
	case "get":
		return s.get(k)
	case "list":
		return s.list(kind, k.namespace, query.Get("resourceVersion"))
	case "delete":
		options, err := deleteOptions(body)
		if err != nil {
			return failure(http.StatusBadRequest, metav1.StatusReasonBadRequest, "%v", err)
		}
		return s.remove(k, options, by)
	}
	o, err := decode(body)
	if err != nil {
		return failure(http.StatusBadRequest, metav1.StatusReasonBadRequest, "%v", err)
	}
	switch r.Verb {
	case "create":
		return s.create(kind, k, o, by)
	case "patch":
		return s.patch(kind, k, r.Subresource, o, by)
	case "apply":
		return s.apply(kind, k, r.Subresource, o, by)
	default:
		return failure(http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed, "%s is not known here", r.Verb)
	}
}

// list answers with all objects, at the newest revision. It is an error to ask for a revision to come.
func (s *Server) list(kind *kind, namespace, version string) answer {
	if wanted, err := strconv.ParseInt(version, 10, 64); err == nil && wanted > s.revision {
		a := failure(http.StatusGatewayTimeout, metav1.StatusReasonTimeout, "Too large resource version: %d, current: %d", wanted, s.revision)
		a.body.(object)["details"] = object{"causes": []any{object{
			"reason": string(metav1.CauseTypeResourceVersionTooLarge), "message": "Too large resource version",
		}}, "retryAfterSeconds": int64(1)}
		return a
	}
	var items bytes.Buffer
	for _, k := range s.keys(kind.resource) {
		if namespace != "" && k.namespace != namespace {
			continue
		}
		if items.Len() > 0 {
			items.WriteByte(',')
		}
		items.Write(s.encoded[k])
	}
	return answer{http.StatusOK, fmt.Appendf(nil, `{"apiVersion":%q,"kind":%q,"metadata":{"resourceVersion":"%d"},"items":[%s]}`,
		kind.apiVersion, kind.name+"List", s.revision, items.Bytes())}
}

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json"}} }

func response(req *http.Request, a answer, retryAfter int) *http.Response {
	header := jsonHeader()
	if retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(retryAfter))
	}
	return &http.Response{
		StatusCode: a.code, Status: strconv.Itoa(a.code) + " " + http.StatusText(a.code), Header: header,
		Body: io.NopCloser(bytes.NewReader(encode(a.body))), Request: req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func deleteOptions(body []byte) (metav1.DeleteOptions, error) {
	var options metav1.DeleteOptions
	if len(body) == 0 {
		return options, nil
	}
	if err := json.Unmarshal(body, &options); err != nil {
		return options, err
	}
	return options, nil
}
