// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bufio"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-dev/breakwater/internal/expression"
)

// FuzzQuestions: whatever a server answers, little is read, what is reported is short and clean, and no broken
// answer passes for a good one.
func FuzzQuestions(f *testing.F) {
	for _, wire := range []string{
		says(200, asJSON, `{"object":"list","data":[{"id":"gpt"},{"id":"x"}]}`),
		says(200, asJSON, `{"data":[{"id":`),
		says(200, asJSON, `{"choices":[{"message":{"content":"OK"}}]}`),
		says(200, asStream, delta("OK")+event("[DONE]")),
		says(200, asStream, "event: error\n"+event(`{"type":"error","error":{"type":"overloaded_error"}}`)),
		says(200, asStream, ": ping\n\ndata:\n\n"+"data: {\n\n"),
		says(429, asJSON, `{"error":{"code":"insufficient_quota","type":"x"}}`),
		says(503, asJSON, `{"error":"unhealthy","error_type":"healthcheck"}`),
		says(500, asJSON, `{"__type":"a#b","code":["x"],"error":{"code":{"a":1}}}`),
		"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n0\r\n\r\n",
		"HTTP/1.1 429 X\r\nX-Amzn-ErrorType: A:b\r\nRetry-After: \xff\r\n\r\n",
	} {
		for kind := range uint8(3) {
			f.Add([]byte(wire), kind)
		}
	}
	var cache expression.Cache
	holds, err := cache.Get(`body.data.exists(m, m.id == "gpt")`)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, wire []byte, kind uint8) {
		asked := Target{
			Type: []Type{HTTP, OpenAIModels, OpenAICompletion}[kind%3], Model: "gpt", Report: []string{"Retry-After"},
			Expect: Expect{Statuses: []StatusRange{{200, 204}}, Body: "gpt"},
		}
		source := &countingReader{Reader: strings.NewReader(string(wire))}
		answer, complete, err := reading{&asked, holds, time.Now()}.answer(source, bufio.NewReader(nil))
		if complete && (err != nil || answer.Status == 0) {
			t.Errorf("complete, but status %d and error %v", answer.Status, err)
		}
		if source.n > maxHead+maxModels+4096 {
			t.Errorf("%d bytes were read", source.n)
		}
		for _, text := range []string{answer.ErrorCode, answer.ErrorType, answer.Headers["Retry-After"], answer.RetryAfter} {
			if len(text) > maxHeader || strings.ContainsAny(text, "\r\n") {
				t.Errorf("reported %q", text)
			}
		}
		good := err == nil && answer.Err == None && answer.Status/100 == 2
		if body := string(wire); good && asked.Type != OpenAICompletion && !strings.Contains(body, "gpt") && !strings.Contains(body, `\u00`) && !strings.Contains(strings.ToLower(body), "chunked") {
			t.Errorf("%s is good, and nowhere is the model in %q", asked.Type, body)
		}
	})
}
