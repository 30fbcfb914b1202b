// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestReadAnswer(t *testing.T) {
	const date = "Mon, 23 Nov 2026 10:00:00 GMT"
	type result struct {
		Answer   Answer
		Complete bool
		Err      ErrorClass
	}
	for name, tc := range map[string]struct {
		wire string
		want result
	}{
		"content length": {
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
			result{Answer{Status: 200}, true, None},
		},
		"until close":   {"HTTP/1.0 200 OK\r\n\r\nok", result{Answer{Status: 200}, true, None}},
		"no reason":     {"HTTP/1.1 204 \r\n\r\n", result{Answer{Status: 204}, true, None}},
		"no body":       {"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", result{Answer{Status: 304}, true, None}},
		"redirect":      {"HTTP/1.1 302 Found\r\nLocation: http://else.where/\r\nContent-Length: 0\r\n\r\n", result{Answer{Status: 302}, true, None}},
		"unknown code":  {"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n", result{Answer{Status: 999}, true, None}},
		"newlines only": {"HTTP/1.1 200 OK\nContent-Length: 0\n\n", result{Answer{Status: 200}, true, None}},
		"chunked": {
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n",
			result{Answer{Status: 200}, true, None},
		},
		"1xx first": {
			"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
			result{Answer{Status: 503}, true, None},
		},
		"switching protocols": {"HTTP/1.1 101 Switching Protocols\r\n\r\n", result{Answer{Status: 101}, true, None}},
		"wait headers": {
			"HTTP/1.1 429 Slow\r\nretry-after: 7\r\nretry-after: 9\r\nRETRY-AFTER-MS: 6500\r\nDate: " + date + "\r\nContent-Length: 0\r\n\r\n",
			result{Answer{Status: 429, RetryAfter: "7", RetryAfterMs: "6500", Date: date}, true, None},
		},
		"long header value": {
			"HTTP/1.1 429 Slow\r\nRetry-After: " + strings.Repeat("9", 1000) + "\r\nContent-Length: 0\r\n\r\n",
			result{Answer{Status: 429, RetryAfter: strings.Repeat("9", 128)}, true, None},
		},
		"large body, length known":   {"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + strings.Repeat("x", 200<<10), result{Answer{Status: 200}, false, None}},
		"large body, until close":    {"HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 200<<10), result{Answer{Status: 200}, false, None}},
		"large body, in tiny chunks": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 40<<10), result{Answer{Status: 200}, false, None}},

		"nothing":             {"", result{Err: ConnectionReset}},
		"half a status line":  {"HTTP/1.1 20", result{Err: MalformedResponse}},
		"half a head":         {"HTTP/1.1 200 OK\r\nServer: x\r\n", result{Err: ConnectionReset}},
		"half a body":         {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", result{Answer{Status: 200}, false, ConnectionReset}},
		"half a chunked body": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok", result{Answer{Status: 200}, false, ConnectionReset}},
		"bad chunk":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", result{Answer{Status: 200}, false, MalformedResponse}},
		"another protocol":    {"SSH-2.0-OpenSSH_9.9\r\n", result{Err: MalformedResponse}},
		"binary":              {"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n", result{Err: MalformedResponse}},
		"HTTP/2":              {"HTTP/2.0 200 OK\r\n\r\n", result{Err: MalformedResponse}},
		"code of two digits":  {"HTTP/1.1 20 OK\r\n\r\n", result{Err: MalformedResponse}},
		"code 0":              {"HTTP/1.1 000 OK\r\n\r\n", result{Err: MalformedResponse}},
		"bad length":          {"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n", result{Err: MalformedResponse}},
		"two lengths":         {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok", result{Err: MalformedResponse}},
		"unknown encoding":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: zip\r\n\r\n", result{Err: MalformedResponse}},
		"endless line":        {"HTTP/1.1 200 " + strings.Repeat("x", 100<<10), result{Err: MalformedResponse}},
		"endless header":      {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 20<<10), result{Err: MalformedResponse}},
		"endless 1xx":         {strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 4<<10), result{Err: MalformedResponse}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, reader := range []io.Reader{strings.NewReader(tc.wire), iotest.OneByteReader(strings.NewReader(tc.wire))} {
				answer, complete, err := reading{target: &Target{}, started: time.Now()}.answer(reader, bufio.NewReader(nil))
				got := result{Answer: answer, Complete: complete}
				if err != nil {
					got.Err = classify(err, MalformedResponse)
				}
				if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreFields(Answer{}, "First", "Detail")); diff != "" {
					t.Errorf("answer (-want +got):\n%s(error: %v)", diff, err)
				}
			}
		})
	}
}

// countingReader counts what was taken from an endless source.
type countingReader struct {
	io.Reader
	n int
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n += n
	return n, err
}

func FuzzReadAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.0 200 OK\r\n\r\nok",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Slow\r\nRetry-After: 7\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 429 \r\nRetry-After: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"SSH-2.0-OpenSSH_9.9\r\n",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, wire []byte, reset bool) {
		source := &countingReader{Reader: strings.NewReader(string(wire))}
		if reset {
			source.Reader = io.MultiReader(source.Reader, iotest.ErrReader(errors.New("reset")))
		}
		answer, complete, err := reading{target: &Target{}, started: time.Now()}.answer(source, bufio.NewReader(nil))
		if complete && (err != nil || answer.Status == 0) {
			t.Errorf("complete, but status %d and error %v", answer.Status, err)
		}
		if err == nil && (answer.Status < 100 || answer.Status > 999) {
			t.Errorf("status %d without an error", answer.Status)
		}
		if source.n > maxHead+maxBody {
			t.Errorf("%d bytes were read", source.n)
		}
		for _, header := range []string{answer.RetryAfter, answer.RetryAfterMs, answer.Date} {
			if len(header) > maxHeader || strings.ContainsAny(header, "\r\n") {
				t.Errorf("header value %q", header)
			}
		}
	})
}
