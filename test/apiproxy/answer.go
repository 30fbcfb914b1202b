// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package apiproxy

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Answer is what an API server answers to a write.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

var reasons = map[int]metav1.StatusReason{
	http.StatusConflict:            metav1.StatusReasonConflict,
	http.StatusTooManyRequests:     metav1.StatusReasonTooManyRequests,
	http.StatusInternalServerError: metav1.StatusReasonInternalError,
	http.StatusServiceUnavailable:  metav1.StatusReasonServiceUnavailable,
}

// Refusal is the answer of an API server that refuses with a status code. A 429
// asks to come again in a second.
func Refusal(code int) *Answer {
	status := metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: int32(code), Reason: reasons[code],
		Message: fmt.Sprintf("refused with %d, for a test", code),
	}
	answer := &Answer{Status: code, Header: http.Header{"Content-Type": {"application/json"}}}
	if code == http.StatusTooManyRequests {
		answer.Header.Set("Retry-After", "1")
		status.Details = &metav1.StatusDetails{RetryAfterSeconds: 1}
	}
	// A Status has nothing that cannot be encoded.
	answer.Body, _ = json.Marshal(status)
	return answer
}

// answerOf reads a response to its end.
func answerOf(response *http.Response) (*Answer, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return &Answer{Status: response.StatusCode, Header: response.Header, Body: body}, nil
}

func (a *Answer) writeTo(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.Header)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	w.WriteHeader(a.Status)
	// If the operator has gone there is nobody to tell.
	_, _ = w.Write(a.Body)
}
