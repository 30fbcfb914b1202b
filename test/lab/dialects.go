// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// dialects are what is special of each, in order; the rest is standard.
func dialects() map[Dialect][]reply {
	return map[Dialect][]reply{
		VLLM: {
			{Starting, "", hangUp}, // it does not listen before the model is loaded
			{DeadEngine, "", says(503, "")},
			{WrongKey, "/v1/models", says(401, `{"error":"Unauthorized"}`)},
			{"", "/health", says(200, "")},
			{Overloaded, "/v1/chat/completions", says(503, `{"error":{"message":"overloaded","type":"ServiceUnavailableError","param":null,"code":503}}`)},
		},
		SGLang: {
			{Starting, "/health", says(503, "")},
			{Starting, "/health_generate", says(503, "")},
			{DeadEngine, "/health", says(503, "")},
			{"", "/health", says(200, "")},
		},
		TGI: {
			{Starting, "", hangUp},
			{DeadEngine, "/health", says(503, `{"error":"unhealthy","error_type":"healthcheck"}`)},
			{Overloaded, "/health", says(200, "")},
			{Overloaded, "", says(429, `{"error":"Model is overloaded","error_type":"overloaded"}`)},
			{"", "/health", says(200, "")},
		},
		LlamaCpp: {
			{Starting, "", says(503, `{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}`)},
			{DeadEngine, "", hangUp},
			{"", "/health", says(200, `{"status":"ok"}`)},
			{WrongKey, "", says(401, `{"error":{"code":401,"message":"Invalid API Key","type":"authentication_error"}}`)},
		},
		Ollama: {
			{DeadEngine, "", hangUp},
			{"", "/api/version", says(200, `{"version":"0.9.0"}`)},
			{"", "/api/tags", says(200, `{"models":[]}`)},
			{Overloaded, "", says(503, `{"error":"server busy, please try again.  maximum pending requests exceeded"}`)},
		},
		AzureOpenAI: {
			{DeadEngine, "", says(503, "")},
			{"", "/status-0123456789abcdef", says(200, "")},
			{WrongKey, "", says(401, `{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}`)},
			{Overloaded, "", says(429, `{"error":{"code":"429","message":"Requests have exceeded the token rate limit."}}`, "retry-after-ms", "7000", "retry-after", "7")},
			{QuotaGone, "", says(429, `{"error":{"code":"429","message":"Rate limit is exceeded. Try again in 86400 seconds."}}`, "retry-after", "86400")},
		},
		Anthropic: {
			{DeadEngine, "", says(500, `{"type":"error","error":{"type":"api_error","message":"Internal server error"}}`)},
			{WrongKey, "", says(401, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`)},
			{Overloaded, "", says(529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`)},
			{QuotaGone, "", says(402, `{"type":"error","error":{"type":"billing_error","message":"Your credit balance is too low."}}`)},
		},
		OpenAI: {
			{DeadEngine, "", says(500, `{"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}`)},
			{WrongKey, "", says(401, `{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`)},
			{Overloaded, "", says(503, `{"error":{"message":"Slow down","type":"server_error","param":null,"code":"slow_down"}}`)},
			{QuotaGone, "/v1/chat/completions", says(429, `{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`)},
		},
	}
}

// missingModel is what each says of a model that it does not have.
func missingModel(d Dialect) string {
	switch d {
	case VLLM:
		return `{"error":{"message":"The model does not exist.","type":"NotFoundError","param":"model","code":404}}`
	case Ollama:
		return `{"error":{"message":"model not found, try pulling it first","type":"api_error","param":null,"code":null}}`
	}
	return `{"error":{"message":"The model does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}`
}

// says answers with a status, a body and headers, given as names and values.
func says(status int, body string, headers ...string) func(http.ResponseWriter, []string) {
	return func(w http.ResponseWriter, _ []string) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		send(w, status, body)
	}
}

// hangUp closes the connection, as a port does behind which nothing listens yet.
func hangUp(w http.ResponseWriter, _ []string) { takeOver(w, resetOnClose) }

func send(w http.ResponseWriter, status int, body string) {
	if body != "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func list(w http.ResponseWriter, models []string) {
	var data []string
	for _, m := range models {
		data = append(data, fmt.Sprintf(`{"id":%q,"object":"model","created":1,"owned_by":"lab"}`, m))
	}
	send(w, http.StatusOK, `{"object":"list","data":[`+strings.Join(data, ",")+`]}`)
}

func streamTokens(w http.ResponseWriter, model string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, choice := range []string{`{"role":"assistant","content":""},"finish_reason":null`, `{"content":"OK"},"finish_reason":null`, `{},"finish_reason":"stop"`} {
		_, _ = fmt.Fprintf(w, "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"model\":%q,\"choices\":[{\"index\":0,\"delta\":%s}]}\n\n", model, choice)
		_ = http.NewResponseController(w).Flush()
	}
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}
