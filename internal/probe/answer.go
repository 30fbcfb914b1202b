// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bufio"
	"io"
	"net/http"
	"time"

	"github.com/breakwater-dev/breakwater/internal/expression"
)

// Bounds on what is read of one answer, in bytes on the wire.
const (
	maxHead   = 64 << 10 // all 1xx responses and the head of the final one
	maxBody   = 64 << 10 // then the rest is left unread and the status counts
	maxError  = 8 << 10  // of the body of an error, to find out what it calls itself
	maxModels = 1 << 20  // of a list of models
	maxStream = 256 << 10
	maxHeader = 128 // of one reported header value
)

// reading is how one answer is read.
type reading struct {
	target *Target
	// holds is the compiled Target.Expect.Expression; nil if there is none.
	holds *expression.Program
	// started is when the dial began.
	started time.Time
}

// answer reads one HTTP/1.x response. It reports whether the response was read to its end;
// with an error, the class is left to the caller and the answer holds what was read before.
func (r reading) answer(conn io.Reader, buffer *bufio.Reader) (answer Answer, complete bool, err error) {
	source := &boundedReader{reader: conn, left: maxHead}
	buffer.Reset(source)

	response, err := readHead(buffer)
	if err != nil {
		if source.left <= 0 {
			err = malformedError("the head of the response is larger than 64 KiB")
		}
		return Answer{}, false, source.cause(err)
	}
	answer = r.head(response)
	source.left = maxBody
	complete, err = r.body(&answer, response, source)
	return answer, complete, source.cause(err)
}

// head returns what the head of a response says.
func (r reading) head(response *http.Response) Answer {
	answer := Answer{
		Status:       response.StatusCode,
		RetryAfter:   cut(response.Header.Get("Retry-After"), maxHeader),
		RetryAfterMs: cut(response.Header.Get("Retry-After-Ms"), maxHeader),
		Date:         cut(response.Header.Get("Date"), maxHeader),
		First:        time.Since(r.started),
	}
	for _, name := range r.target.Report {
		if value := response.Header.Get(name); value != "" {
			if answer.Headers == nil {
				answer.Headers = map[string]string{}
			}
			answer.Headers[name] = cut(value, maxHeader)
		}
	}
	return answer
}

// body reads the body as the status and the type of the probe ask for. Of most nothing is wanted: it is read so
// that a server that stops in the middle is noticed. It needs no Close, which would only read on: the connection
// is the caller's to close.
func (r reading) body(answer *Answer, response *http.Response, source *boundedReader) (complete bool, err error) {
	good := response.StatusCode >= 200 && response.StatusCode < 300
	switch {
	case r.target.Type == OpenAIModels && good:
		source.left = maxModels
		return r.models(answer, response.Body, source)
	case r.target.Type == OpenAICompletion && good:
		source.left = maxStream
		return r.completion(answer, response, source)
	case r.target.Type == HTTP && r.target.Expect.wants(response.StatusCode):
		return r.expected(answer, response, source)
	case response.StatusCode >= 400:
		return readError(answer, response, source)
	}
	return drain(response.Body, source)
}

// drain reads a body of which nothing is wanted. One that is longer than it may be is left unread: the status
// counts.
func drain(body io.Reader, source *boundedReader) (complete bool, err error) {
	_, err = io.Copy(io.Discard, body)
	if source.left <= 0 {
		return false, nil
	}
	return err == nil, err
}

// boundedReader ends after some bytes and remembers why its source ended.
type boundedReader struct {
	reader io.Reader
	left   int
	err    error
}

func (r *boundedReader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n, err := r.reader.Read(p[:min(len(p), r.left)])
	r.left -= n
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// cause returns the error of the source instead of err, which can be about the half line before it.
func (r *boundedReader) cause(err error) error {
	if err != nil && r.err != nil {
		return r.err
	}
	return err
}

// readHead skips the 1xx responses that may come before the final one (RFC 9110, section 15.2).
// 101 is final: a server that switches protocols has said its last word in this one.
func readHead(buffer *bufio.Reader) (*http.Response, error) {
	for {
		response, err := http.ReadResponse(buffer, nil)
		if err != nil {
			return nil, err
		}
		switch {
		case response.ProtoMajor != 1:
			return nil, malformedError("the response is not HTTP/1.x")
		case response.StatusCode < 100:
			return nil, malformedError("the status code is below 100")
		case response.StatusCode >= 200, response.StatusCode == http.StatusSwitchingProtocols:
			return response, nil
		}
	}
}

// malformedError is an answer that is not HTTP.
type malformedError string

func (e malformedError) Error() string { return string(e) }
