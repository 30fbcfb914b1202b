// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Expect is what a good answer must be. All that is set must hold; the zero value asks for nothing.
type Expect struct {
	// Statuses are the codes of a good answer; empty means 2xx. Other codes outside 2xx are not asserted on.
	Statuses []StatusRange
	// Header, by its canonical name, must have exactly its value.
	Header Header
	// Body is a text that the first 64 KiB of the body must hold.
	Body string
	// Expression is a CEL expression that must be true of the body, which must be JSON of at most 64 KiB.
	Expression string
}

// StatusRange is a range of status codes, both ends included.
type StatusRange struct{ Min, Max int }

func (r StatusRange) has(status int) bool { return status >= r.Min && status <= r.Max }

// String returns the expectation as part of the name of a probe; empty if there is none.
func (e Expect) String() string {
	var parts []string
	for _, s := range e.Statuses {
		parts = append(parts, fmt.Sprintf("status %d-%d", s.Min, s.Max))
	}
	if e.Header != (Header{}) {
		parts = append(parts, fmt.Sprintf("header %s=%s", e.Header.Name, e.Header.Value))
	}
	if e.Body != "" {
		parts = append(parts, "body with "+e.Body)
	}
	if e.Expression != "" {
		parts = append(parts, e.Expression)
	}
	return strings.Join(parts, ", ")
}

// wants reports whether there is something to assert on an answer with that status.
func (e *Expect) wants(status int) bool {
	if e.listed(status) {
		return true
	}
	some := len(e.Statuses) > 0 || e.Header != (Header{}) || e.Body != "" || e.Expression != ""
	return some && status >= 200 && status < 300
}

// listed reports whether Statuses names the status.
func (e *Expect) listed(status int) bool {
	return slices.ContainsFunc(e.Statuses, func(r StatusRange) bool { return r.has(status) })
}

// expected reads the body and says whether the answer is as it should be.
func (r reading) expected(answer *Answer, response *http.Response, source *boundedReader) (complete bool, err error) {
	body, err := io.ReadAll(response.Body)
	whole := source.left > 0
	if err != nil && whole {
		return false, err
	}
	if wrong := r.wrong(response, body); wrong != "" {
		answer.Err, answer.Detail = AssertionFailed, "not as probe.http.expect says: "+wrong
		return whole, nil
	}
	answer.Expected = r.target.Expect.listed(response.StatusCode)
	return whole, nil
}

// wrong names the first part of an answer that is not as expected; empty if all is.
func (r reading) wrong(response *http.Response, body []byte) string {
	e := &r.target.Expect
	switch {
	case len(e.Statuses) > 0 && !e.listed(response.StatusCode):
		return "the status"
	case e.Header.Name != "" && !slices.Contains(response.Header.Values(e.Header.Name), e.Header.Value):
		return "the header"
	case e.Body != "" && !bytes.Contains(body, []byte(e.Body)):
		return "the body"
	case r.holds != nil && !r.holds.Holds(body):
		return "the expression"
	}
	return ""
}
