// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// readError finds out what an error calls itself.
func readError(answer *Answer, response *http.Response, source *boundedReader) (complete bool, err error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxError))
	if err != nil {
		return false, err
	}
	answer.ErrorCode, answer.ErrorType = errorNames(body)
	if answer.ErrorCode == "" { // Bedrock: the name, and perhaps a URL behind a colon
		name, _, _ := strings.Cut(response.Header.Get("X-Amzn-Errortype"), ":")
		answer.ErrorCode = errorName(name)
	}
	return drain(response.Body, source)
}

// errorNames reads the code and the type of an error in JSON. It knows the forms
//
//	{"error": {"code": "…", "type": "…"}}       OpenAI, Azure, vLLM, SGLang, llama.cpp, Ollama
//	{"error": {"type": "…"}}                    Anthropic
//	{"error": {"code": 429, "status": "…"}}     Google
//	{"error": "…", "error_type": "…"}           TGI
//	{"code": "…", "type": "…"}                  older vLLM
//	{"__type": "…#…"}                           AWS
//
// A code that is a number only repeats the status and is left out.
func errorNames(body []byte) (code, kind string) {
	var outer struct {
		Error     json.RawMessage `json:"error"`
		ErrorType any             `json:"error_type"`
		Code      any             `json:"code"`
		Type      any             `json:"type"`
		AWS       any             `json:"__type"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return "", ""
	}
	var inner struct{ Code, Type, Status any }
	_ = json.Unmarshal(outer.Error, &inner) // a text, in some forms

	aws, _ := outer.AWS.(string)
	return firstName(inner.Code, outer.Code, aws[strings.LastIndexByte(aws, '#')+1:]),
		firstName(inner.Type, inner.Status, outer.ErrorType, outer.Type)
}

func firstName(candidates ...any) string {
	for _, c := range candidates {
		if s, ok := c.(string); ok && errorName(s) != "" {
			return errorName(s)
		}
	}
	return ""
}

// errorName returns s if it is a name that an error can have, else nothing.
func errorName(s string) string {
	const maxName = 64
	if len(s) > maxName || strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._", r)
	}) {
		return ""
	}
	return strings.Clone(s)
}
