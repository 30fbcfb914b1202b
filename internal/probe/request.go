// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"encoding/json"
	"strconv"
)

// maxTokens bounds a completion: enough for models that think before they speak to accept it, and little.
const maxTokens = 16

// request is the whole HTTP/1.1 request.
func (t *Target) request(credentials Credentials) []byte {
	var body []byte
	b := make([]byte, 0, 128+len(t.Path)+len(t.Hostname))
	if t.Type == OpenAICompletion {
		body = completionRequest(t.Model, t.CountTokens)
		b = append(b, "POST "...)
	} else {
		b = append(b, "GET "...)
	}
	b = append(b, t.Path...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, t.hostHeader()...)
	b = append(b, "\r\nUser-Agent: breakwater\r\nAccept: */*\r\nConnection: close\r\n"...)
	for _, h := range t.Headers {
		b = appendHeader(b, h.Name, h.Value)
	}
	if credentials.Header != "" {
		b = appendHeader(b, credentials.Header, string(credentials.Value))
	}
	if body != nil {
		b = append(b, "Content-Type: application/json\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(body)), 10)
		b = append(b, "\r\n"...)
	}
	b = append(b, "\r\n"...)
	return append(b, body...)
}

func appendHeader(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// completionRequest asks for next to nothing. The name of the limit is the one that all models take; servers
// that do not know it are left once enough has come.
func completionRequest(model string, count bool) []byte {
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	type streamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	}
	var options *streamOptions
	if count {
		options = &streamOptions{true}
	}
	body, err := json.Marshal(struct {
		Model     string         `json:"model"`
		Messages  []message      `json:"messages"`
		MaxTokens int            `json:"max_completion_tokens"`
		Stream    bool           `json:"stream"`
		Options   *streamOptions `json:"stream_options,omitempty"`
	}{model, []message{{"user", "Say OK."}}, maxTokens, true, options})
	if err != nil {
		return []byte("{}") // cannot be: strings and numbers always marshal
	}
	return body
}
