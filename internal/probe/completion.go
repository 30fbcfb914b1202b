// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"
)

// enoughChunks is how many chunks of a stream are read. A server that goes on has overlooked how little was asked
// for; it is left, since it serves.
const enoughChunks = 4 * maxTokens

// maxToldTokens bounds what a server is believed to have used.
const maxToldTokens = 1_000_000

// completion reads a chat completion, streamed or, from servers that do not stream, whole.
func (r reading) completion(answer *Answer, response *http.Response, source *boundedReader) (complete bool, err error) {
	answer.First = 0
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind != "text/event-stream" {
		return r.wholeCompletion(answer, response.Body)
	}
	s := stream{reading: r, answer: answer}
	events := bufio.NewScanner(response.Body)
	events.Buffer(nil, maxBody)
	for events.Scan() {
		if s.line(events.Bytes()) {
			return false, nil
		}
	}
	switch err := events.Err(); {
	case source.left <= 0 && answer.First > 0: // it goes on and on, but it serves
		return false, nil
	case source.left <= 0:
		return false, malformedError("the stream is longer than 256 KiB and has no token")
	case errors.Is(err, bufio.ErrTooLong):
		return false, malformedError("a line of the stream is longer than 64 KiB")
	case err != nil:
		return false, err
	case !s.finished:
		answer.Err, answer.Detail = StreamError, "the stream ended before the completion did"
	}
	return true, nil
}

// wholeCompletion reads a completion that is not streamed.
func (r reading) wholeCompletion(answer *Answer, body io.Reader) (complete bool, err error) {
	text, err := io.ReadAll(io.LimitReader(body, maxBody))
	if err != nil {
		return false, err
	}
	var c chunk
	switch {
	case json.Unmarshal(text, &c) != nil:
		return false, malformedError("the answer is neither a stream nor a completion")
	case c.failed():
		streamFailed(answer, text)
	case len(c.Choices) == 0:
		return false, malformedError("the answer is no completion: it has no choices")
	default:
		answer.First = time.Since(r.started)
		answer.Tokens = c.tokens()
	}
	return true, nil
}

// chunk is a part of a stream, or a whole completion.
type chunk struct {
	Choices []struct {
		Delta struct {
			Content          string `json:"content"`
			ReasoningContent string `json:"reasoning_content"`
			Reasoning        string `json:"reasoning"`
		} `json:"delta"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage json.RawMessage `json:"usage"`
	Type  string          `json:"type"`
	Error json.RawMessage `json:"error"`
}

func (c *chunk) failed() bool {
	return c.Type == "error" || len(c.Error) > 0 && string(c.Error) != "null"
}

// tokens returns how many tokens the completion took so far, as the server says; 0 if it does not.
func (c *chunk) tokens() int64 {
	var usage struct {
		TotalTokens int64 `json:"total_tokens"`
	}
	if json.Unmarshal(c.Usage, &usage) != nil {
		return 0
	}
	return min(max(usage.TotalTokens, 0), maxToldTokens)
}

// stream reads server-sent events. It knows the fields event and data, and one line of data in an event.
type stream struct {
	reading
	answer   *Answer
	event    string
	chunks   int
	finished bool
}

// line takes one line and says whether enough is known.
func (s *stream) line(line []byte) (enough bool) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "":
		if len(line) == 0 {
			s.event = ""
		}
		return false
	case "event":
		s.event = string(value[:min(len(value), maxHeader)])
		return false
	case "data":
		return s.data(value)
	default:
		return false
	}
}

func (s *stream) data(text []byte) (enough bool) {
	if string(text) == "[DONE]" {
		if s.answer.First == 0 {
			s.answer.First = time.Since(s.started)
		}
		s.finished = true
		return true
	}
	var c chunk
	switch err := json.Unmarshal(text, &c); {
	case s.event == "error", err == nil && c.failed():
		streamFailed(s.answer, text)
		return true
	case err != nil:
		s.answer.Err, s.answer.Detail = StreamError, "the stream holds something that is not JSON"
		return true
	}
	s.answer.Tokens = max(s.answer.Tokens, c.tokens())
	for _, choice := range c.Choices {
		s.finished = s.finished || choice.FinishReason != ""
		d := choice.Delta
		if s.answer.First == 0 && (s.finished || d.Content != "" || d.ReasoningContent != "" || d.Reasoning != "") {
			s.answer.First = time.Since(s.started)
		}
	}
	s.chunks++
	return s.chunks >= enoughChunks
}

// streamFailed notes an error that came after a good status.
func streamFailed(answer *Answer, text []byte) {
	answer.Err, answer.Detail = StreamError, "the server told an error after a good status"
	answer.ErrorCode, answer.ErrorType = errorNames(text)
	if answer.ErrorType == "error" { // only the name of the event
		answer.ErrorType = ""
	}
}
