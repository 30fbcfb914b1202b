// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"strings"
	"testing"
	"time"
)

// target returns a target that is fine, changed by change.
func target(change func(*Target)) Target {
	t := Target{
		Scheme:   "http",
		Host:     "192.0.2.1",
		Port:     8000,
		Type:     HTTP,
		Path:     "/health",
		Hostname: "chat.apps.svc",
		Timeout:  3 * time.Second,
	}
	if change != nil {
		change(&t)
	}
	return t
}

func TestRequest(t *testing.T) {
	question := target(func(t *Target) { t.Path = "/health?deep=1" })
	got := string(question.request(Credentials{}))
	want := "GET /health?deep=1 HTTP/1.1\r\n" +
		"Host: chat.apps.svc\r\n" +
		"User-Agent: breakwater\r\n" +
		"Accept: */*\r\n" +
		"Connection: close\r\n\r\n"
	if got != want {
		t.Errorf("request\n%q, want\n%q", got, want)
	}
}

func TestHostHeader(t *testing.T) {
	for _, tc := range []struct {
		scheme, hostname string
		port             uint16
		want             string
	}{
		{"http", "chat.apps.svc", 0, "chat.apps.svc"},
		{"http", "chat.apps.svc", 80, "chat.apps.svc"},
		{"http", "chat.apps.svc", 443, "chat.apps.svc:443"},
		{"https", "chat.apps.svc", 443, "chat.apps.svc"},
		{"https", "chat.apps.svc", 80, "chat.apps.svc:80"},
		{"http", "2001:db8::1", 80, "[2001:db8::1]"},
		{"http", "2001:db8::1", 8080, "[2001:db8::1]:8080"},
	} {
		got := Target{Scheme: tc.scheme, Hostname: tc.hostname, ServicePort: tc.port}.hostHeader()
		if got != tc.want {
			t.Errorf("Host of %+v is %q", tc, got)
		}
	}
}

func TestValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Target)
		want   string // part of the message; empty: valid
	}{
		"HTTP":                 {nil, ""},
		"TCP without a path":   {func(t *Target) { t.Type, t.Path, t.Hostname = TCP, "", "" }, ""},
		"scheme":               {func(t *Target) { t.Scheme = "ftp" }, "use http or https"},
		"host":                 {func(t *Target) { t.Host = "" }, "use an IP address"},
		"port":                 {func(t *Target) { t.Port = 0 }, "use 1 to 65535"},
		"timeout":              {func(t *Target) { t.Timeout = 0 }, "above 0s"},
		"type":                 {func(t *Target) { t.Type = "ICMP" }, "use HTTP, TCP, GRPC, OpenAIModels or OpenAICompletion"},
		"relative path":        {func(t *Target) { t.Path = "health" }, "start it with /"},
		"space in path":        {func(t *Target) { t.Path = "/a HTTP/1.1" }, "percent-encode"},
		"new line in path":     {func(t *Target) { t.Path = "/a\r\nX:y" }, "percent-encode"},
		"non-ASCII path":       {func(t *Target) { t.Path = "/ü" }, "percent-encode"},
		"no hostname":          {func(t *Target) { t.Hostname = "" }, "that clients send"},
		"new line in hostname": {func(t *Target) { t.Hostname = "a\r\nX:y" }, "that clients send"},
		"user in hostname":     {func(t *Target) { t.Hostname = "a@b" }, "that clients send"},
	} {
		t.Run(name, func(t *testing.T) {
			err := target(tc.change).validate()
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestInvalidTargetIsNotAsked(t *testing.T) {
	got := New(nil, Options{}).Probe(t.Context(), target(func(t *Target) { t.Path = "/a\r\nX: y" }))
	if got.Err != Local || len(got.Addresses) != 0 || got.Finished.IsZero() {
		t.Errorf("result %+v, want Local", got)
	}
}
