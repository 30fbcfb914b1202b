// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/breakwater-dev/breakwater/internal/expression"
)

// says answers with a status and a body of a kind.
func says(status int, kind, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", status, kind, len(body), body)
}

const (
	asJSON   = "application/json"
	asStream = "text/event-stream; charset=utf-8"
)

func event(data string) string { return "data: " + data + "\n\n" }

func delta(content string) string {
	return event(`{"choices":[{"index":0,"delta":{"content":"` + content + `"},"finish_reason":null}]}`)
}

func TestAnswersToQuestions(t *testing.T) {
	const (
		models  = `{"object":"list","data":[{"id":"gpt"},{"id":"llama3:latest"}],"more":{"a":[1]}}`
		finish  = `data: {"choices":[{"delta":{},"finish_reason":"stop"}]}` + "\n\n"
		done    = "data: [DONE]\n\n"
		content = `{"choices":[{"message":{"content":"OK"},"finish_reason":"stop"}]}`
	)
	type change = func(*Target)
	list := func(model string) change {
		return func(t *Target) { t.Type, t.Path, t.Model = OpenAIModels, "/v1/models", model }
	}
	complete := func(t *Target) { t.Type, t.Path, t.Model = OpenAICompletion, "/v1/chat/completions", "gpt" }
	expect := func(e Expect) change { return func(t *Target) { t.Expect = e } }
	ready := Header{"X-Ready", "yes"}

	for name, tc := range map[string]struct {
		change change
		wire   string
		want   Answer
	}{
		"model":                {list("gpt"), says(200, asJSON, models), Answer{Status: 200}},
		"model without tag":    {list("llama3"), says(200, asJSON, models), Answer{Status: 200}},
		"any model":            {list(""), says(200, asJSON, `{"data":[]}`), Answer{Status: 200}},
		"data at the end":      {list("gpt"), says(200, asJSON, `{"a":{"data":[{"id":"x"}]},"data":[{"id":"gpt"}]}`), Answer{Status: 200}},
		"no such model":        {list("gpt"), says(200, asJSON, `{"data":[{"id":"gpt2"}]}`), Answer{Status: 200, Err: ModelNotServed}},
		"no models":            {list("gpt"), says(200, asJSON, `{"data":[]}`), Answer{Status: 200, Err: ModelNotServed}},
		"no list":              {list("gpt"), says(200, asJSON, `{"models":[]}`), Answer{Status: 200, Err: MalformedResponse}},
		"a list, not in data":  {list("gpt"), says(200, asJSON, `[{"id":"gpt"}]`), Answer{Status: 200, Err: MalformedResponse}},
		"data is no list":      {list("gpt"), says(200, asJSON, `{"data":{"id":"gpt"}}`), Answer{Status: 200, Err: MalformedResponse}},
		"a page":               {list("gpt"), says(200, "text/html", `<html>gpt</html>`), Answer{Status: 200, Err: MalformedResponse}},
		"half a list":          {list("gpt"), says(200, asJSON, `{"data":[{"id":`), Answer{Status: 200, Err: MalformedResponse}},
		"a list cut off":       {list("gpt"), "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + `{"data":[{"id":`, Answer{Status: 200, Err: ConnectionReset}},
		"an endless list":      {list("gpt"), "HTTP/1.1 200 OK\r\n\r\n" + `{"data":[` + strings.Repeat(`{"id":"x"},`, 200_000), Answer{Status: 200, Err: MalformedResponse}},
		"a list with 401":      {list("gpt"), says(401, asJSON, models), Answer{Status: 401}},
		"a model that is huge": {list("gpt"), says(200, asJSON, `{"data":[{"id":"`+strings.Repeat("x", 100_000)+`"},{"id":"gpt"}]}`), Answer{Status: 200}},

		"completion":                  {complete, says(200, asStream, delta("")+delta("O")+delta("K")+finish+done), Answer{Status: 200}},
		"completion without DONE":     {complete, says(200, asStream, delta("OK")+finish), Answer{Status: 200}},
		"completion with DONE alone":  {complete, says(200, asStream, done), Answer{Status: 200}},
		"comments and other fields":   {complete, says(200, asStream, ": ping\n\nid: 1\nretry: 5\nevent: message\n"+delta("OK")+finish+done), Answer{Status: 200}},
		"lines that end as on the PC": {complete, says(200, asStream, strings.ReplaceAll(delta("OK")+finish+done, "\n", "\r\n")), Answer{Status: 200}},
		"thinking only":               {complete, says(200, asStream, event(`{"choices":[{"delta":{"reasoning_content":"hm"}}]}`)+event(`{"choices":[{"delta":{},"finish_reason":"length"}]}`)+done), Answer{Status: 200}},
		"usage without choices":       {complete, says(200, asStream, delta("OK")+finish+event(`{"choices":[],"usage":{"total_tokens":3}}`)+done), Answer{Status: 200, Tokens: 3}},
		"usage with the last choice":  {complete, says(200, asStream, delta("OK")+event(`{"choices":[{"finish_reason":"stop"}],"usage":{"total_tokens":4}}`)+done), Answer{Status: 200, Tokens: 4}},
		"usage that nobody believes":  {complete, says(200, asStream, delta("OK")+finish+event(`{"choices":[],"usage":{"total_tokens":9e12}}`)+event(`{"usage":{"total_tokens":-9}}`)+done), Answer{Status: 200}},
		"usage above all measure":     {complete, says(200, asStream, delta("OK")+finish+event(`{"choices":[],"usage":{"total_tokens":9000000000}}`)+done), Answer{Status: 200, Tokens: 1_000_000}},
		"usage, not streamed":         {complete, says(200, asJSON, `{"choices":[{"index":0}],"usage":{"total_tokens":5}}`), Answer{Status: 200, Tokens: 5}},
		"not streamed":                {complete, says(200, asJSON, content), Answer{Status: 200}},
		"a stream that goes on":       {complete, says(200, asStream, strings.Repeat(delta("x"), 10_000)), Answer{Status: 200}},
		"a stream of empty chunks":    {complete, says(200, asStream, strings.Repeat(delta(""), 10_000)), Answer{Status: 200}},
		"a stream of comments":        {complete, says(200, asStream, strings.Repeat(": ping\n\n", 100_000)), Answer{Status: 200, Err: MalformedResponse}},
		"an endless line":             {complete, says(200, asStream, "data: "+strings.Repeat("x", 100_000)), Answer{Status: 200, Err: MalformedResponse}},
		"a stream that ends early":    {complete, says(200, asStream, delta("O")), Answer{Status: 200, Err: StreamError}},
		"an empty stream":             {complete, says(200, asStream, ""), Answer{Status: 200, Err: StreamError}},
		"a stream cut off":            {complete, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n" + delta("O"), Answer{Status: 200, Err: ConnectionReset}},
		"an error event": {complete, says(200, asStream, delta("O")+"event: error\n"+event(`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`)),
			Answer{Status: 200, Err: StreamError, ErrorType: "overloaded_error"}},
		"an error in data": {complete, says(200, asStream, event(`{"error":{"code":"rate_limit_exceeded","type":"tokens"}}`)),
			Answer{Status: 200, Err: StreamError, ErrorCode: "rate_limit_exceeded", ErrorType: "tokens"}},
		"an error event in words": {complete, says(200, asStream, "event: error\ndata: it broke\n\n"), Answer{Status: 200, Err: StreamError}},
		"no JSON":                 {complete, says(200, asStream, event("{")), Answer{Status: 200, Err: StreamError}},
		"an error with 200":       {complete, says(200, asJSON, `{"error":{"code":"insufficient_quota"}}`), Answer{Status: 200, Err: StreamError, ErrorCode: "insufficient_quota"}},
		"error null":              {complete, says(200, asJSON, `{"error":null,"choices":[{"index":0}]}`), Answer{Status: 200}},
		"no completion":           {complete, says(200, asJSON, `{"choices":[]}`), Answer{Status: 200, Err: MalformedResponse}},
		"a page for a completion": {complete, says(200, "text/html", `<html>`), Answer{Status: 200, Err: MalformedResponse}},
		"a 400":                   {complete, says(400, asJSON, `{"error":{"type":"invalid_request_error"}}`), Answer{Status: 400, ErrorType: "invalid_request_error"}},

		"as expected":               {expect(Expect{Statuses: []StatusRange{{200, 299}}, Body: "ok"}), says(200, asJSON, "it is ok"), Answer{Status: 200, Expected: true}},
		"only 201":                  {expect(Expect{Statuses: []StatusRange{{201, 201}}}), says(200, asJSON, ""), Answer{Status: 200, Err: AssertionFailed}},
		"a 503 that is expected":    {expect(Expect{Statuses: []StatusRange{{200, 200}, {500, 503}}}), says(503, asJSON, ""), Answer{Status: 503, Expected: true}},
		"a 404 that is not":         {expect(Expect{Statuses: []StatusRange{{200, 200}}, Body: "ok"}), says(404, asJSON, ""), Answer{Status: 404}},
		"header":                    {expect(Expect{Header: ready}), "HTTP/1.1 200 OK\r\nx-ready: yes\r\nContent-Length: 0\r\n\r\n", Answer{Status: 200}},
		"second header":             {expect(Expect{Header: ready}), "HTTP/1.1 200 OK\r\nX-Ready: no\r\nX-Ready: yes\r\nContent-Length: 0\r\n\r\n", Answer{Status: 200}},
		"other header":              {expect(Expect{Header: ready}), "HTTP/1.1 200 OK\r\nX-Ready: no\r\nContent-Length: 0\r\n\r\n", Answer{Status: 200, Err: AssertionFailed}},
		"other body":                {expect(Expect{Body: "ok"}), says(200, asJSON, "no"), Answer{Status: 200, Err: AssertionFailed}},
		"body too late":             {expect(Expect{Body: "ok"}), "HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 70_000) + "ok", Answer{Status: 200, Err: AssertionFailed}},
		"body early enough":         {expect(Expect{Body: "ok"}), "HTTP/1.1 200 OK\r\n\r\nok" + strings.Repeat("x", 70_000), Answer{Status: 200}},
		"a long body, length known": {expect(Expect{Body: "ok"}), "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\nok" + strings.Repeat("x", 99_997), Answer{Status: 200}},
		"a body cut off":            {expect(Expect{Body: "ok"}), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", Answer{Status: 200, Err: ConnectionReset}},
		"expression":                {expect(Expect{Expression: `body.status == "ok"`}), says(200, asJSON, `{"status":"ok"}`), Answer{Status: 200}},
		"other expression":          {expect(Expect{Expression: `body.status == "ok"`}), says(200, asJSON, `{"status":"no"}`), Answer{Status: 200, Err: AssertionFailed}},
		"no field":                  {expect(Expect{Expression: `body.status == "ok"`}), says(200, asJSON, `{}`), Answer{Status: 200, Err: AssertionFailed}},
		"expression, no JSON":       {expect(Expect{Expression: `true`}), says(200, asJSON, `ok`), Answer{Status: 200, Err: AssertionFailed}},
		"on errors: nothing":        {expect(Expect{Body: "ok"}), says(500, asJSON, `{"error":{"code":"x"}}`), Answer{Status: 500, ErrorCode: "x"}},

		"reported headers": {func(t *Target) { t.Report = []string{"X-Load", "X-None"} },
			"HTTP/1.1 200 OK\r\nx-load: high\r\nX-Other: 1\r\nContent-Length: 0\r\n\r\n", Answer{Status: 200, Headers: map[string]string{"X-Load": "high"}}},
		"name of an error in a header": {nil, "HTTP/1.1 429 X\r\nX-Amzn-ErrorType: ThrottlingException:http://x/\r\nContent-Length: 2\r\n\r\n{}",
			Answer{Status: 429, ErrorCode: "ThrottlingException"}},
		"an error that is too long": {nil, says(500, asJSON, `{"pad":"`+strings.Repeat("x", 9000)+`","error":{"code":"x"}}`), Answer{Status: 500}},
	} {
		t.Run(name, func(t *testing.T) {
			asked := target(tc.change)
			r := reading{target: &asked, started: time.Now()}
			if asked.Expect.Expression != "" {
				var cache expression.Cache
				var err error
				if r.holds, err = cache.Get(asked.Expect.Expression); err != nil {
					t.Fatal(err)
				}
			}
			got, _, err := r.answer(strings.NewReader(tc.wire), bufio.NewReader(nil))
			if err != nil {
				got.Err = classify(err, MalformedResponse)
			}
			if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreFields(Answer{}, "First", "Detail")); diff != "" {
				t.Errorf("answer (-want +got):\n%s(error: %v)", diff, err)
			}
		})
	}
}

func TestErrorNames(t *testing.T) {
	for body, want := range map[string][2]string{
		`{"error":{"message":"m","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`: {"insufficient_quota", "insufficient_quota"},
		`{"error":{"type":"tokens","code":null}}`:                                                        {"", "tokens"},
		`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`:                    {"", "overloaded_error"},
		`{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}`:                             {"", "RESOURCE_EXHAUSTED"},
		`{"error":"unhealthy","error_type":"healthcheck"}`:                                               {"", "healthcheck"},
		`{"object":"error","message":"m","type":"NotFoundError","param":null,"code":404}`:                {"", "NotFoundError"},
		`{"__type":"com.amazon.coral.service#ThrottlingException","message":"m"}`:                        {"ThrottlingException", ""},
		`{"error":{"code":"DeploymentNotFound","message":"m"}}`:                                          {"DeploymentNotFound", ""},
		`{"error":{"code":"two words","type":"` + strings.Repeat("x", 65) + `"}}`:                        {"", ""},
		`{"error":{"code":"a\r\nb"}}`:                                                                    {"", ""},
		`{"error":["x"]}`:                                                                                {"", ""},
		`[]`:                                                                                             {"", ""},
		``:                                                                                               {"", ""},
		`null`:                                                                                           {"", ""},
	} {
		if code, kind := errorNames([]byte(body)); code != want[0] || kind != want[1] {
			t.Errorf("%s: code %q, type %q, want %q", body, code, kind, want)
		}
	}
}

// The time to the first token is that of the first token, not that of the head before it.
func TestTimeToFirstToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := func(conn net.Conn) {
			readRequest(conn)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"+delta(""))
			time.Sleep(time.Second)
			io.WriteString(conn, delta("OK"))
			time.Sleep(time.Second)
			io.WriteString(conn, event("[DONE]"))
			silent(conn)
		}
		got := New(nil, Options{Dial: serve(server)}).Probe(t.Context(), target(func(t *Target) {
			t.Type, t.Path, t.Model = OpenAICompletion, "/v1/chat/completions", "gpt"
		}))
		answer := got.Addresses[0].Answer
		if answer.Err != None || answer.First != time.Second || answer.Latency != 2*time.Second {
			t.Errorf("first token after %s, end after %s (%s); want 1s and 2s", answer.First, answer.Latency, answer.Err)
		}
	})
}

// What a probe sends is what is expected of it, byte for byte, and no header can be smuggled in.
func TestRequestOfQuestions(t *testing.T) {
	for name, tc := range map[string]struct {
		change      func(*Target)
		credentials Credentials
		want        string
	}{
		"credential": {nil, Credentials{Header: "api-key", Value: "k"},
			"GET /health HTTP/1.1\r\nHost: chat.apps.svc\r\nUser-Agent: breakwater\r\nAccept: */*\r\nConnection: close\r\napi-key: k\r\n\r\n"},
		"header of a preset": {func(t *Target) { t.Headers = []Header{{"anthropic-version", "2023-06-01"}} }, Credentials{},
			"GET /health HTTP/1.1\r\nHost: chat.apps.svc\r\nUser-Agent: breakwater\r\nAccept: */*\r\nConnection: close\r\nanthropic-version: 2023-06-01\r\n\r\n"},
		"completion": {func(t *Target) { t.Type, t.Path, t.Model = OpenAICompletion, "/v1/chat/completions", "a\"\r\nb" }, Credentials{},
			"POST /v1/chat/completions HTTP/1.1\r\nHost: chat.apps.svc\r\nUser-Agent: breakwater\r\nAccept: */*\r\nConnection: close\r\n" +
				"Content-Type: application/json\r\nContent-Length: 110\r\n\r\n" +
				`{"model":"a\"\r\nb","messages":[{"role":"user","content":"Say OK."}],"max_completion_tokens":16,"stream":true}`},
		"completion whose tokens are counted": {func(t *Target) {
			t.Type, t.Path, t.Model, t.CountTokens = OpenAICompletion, "/v1/chat/completions", "gpt", true
		}, Credentials{},
			"POST /v1/chat/completions HTTP/1.1\r\nHost: chat.apps.svc\r\nUser-Agent: breakwater\r\nAccept: */*\r\nConnection: close\r\n" +
				"Content-Type: application/json\r\nContent-Length: 145\r\n\r\n" +
				`{"model":"gpt","messages":[{"role":"user","content":"Say OK."}],"max_completion_tokens":16,"stream":true,"stream_options":{"include_usage":true}}`},
	} {
		t.Run(name, func(t *testing.T) {
			asked := target(tc.change)
			if diff := cmp.Diff(tc.want, string(asked.request(tc.credentials))); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// private is a Private with one answer.
type private struct {
	credentials Credentials
	err         error
}

func (p private) Credentials(context.Context) (Credentials, error) { return p.credentials, p.err }

// Without its credentials nothing is sent, and nothing is known of the target; so with an expression that is not one.
func TestProbeThatIsNotMade(t *testing.T) {
	for want, change := range map[ErrorClass]func(*Target){
		CredentialsUnreadable: func(t *Target) { t.Private = private{err: errors.New("no Secret")} },
		InvalidExpression:     func(t *Target) { t.Expect.Expression = "body." },
	} {
		got := New(nil, Options{Dial: serve(func(net.Conn) { t.Error("connected") })}).Probe(t.Context(), target(change))
		if got.Err != want || len(got.Addresses) > 0 {
			t.Errorf("result %+v, want %s and no address", got, want)
		}
	}
}

// A completion is paid for before it is asked for, once for each address that will be asked; where it is not, nobody is.
func TestPay(t *testing.T) {
	for name, tc := range map[string]struct {
		kind   Type
		pays   bool
		bought []int
		want   ErrorClass
	}{
		"paid":     {OpenAICompletion, true, []int{2}, None},
		"not paid": {OpenAICompletion, false, []int{2}, BudgetExhausted},
		"free":     {OpenAIModels, false, nil, None},
	} {
		t.Run(name, func(t *testing.T) {
			var bought []int
			var asked atomic.Int32
			got := New(nil, Options{Dial: serve(func(conn net.Conn) {
				asked.Add(1)
				conn.Close()
			})}).Probe(t.Context(), target(func(tt *Target) {
				tt.Type, tt.Path, tt.Model = tc.kind, "/v1", "gpt"
				tt.Host, tt.Addresses = "", []netip.Addr{
					netip.MustParseAddr("10.1.0.10"), netip.MustParseAddr("10.1.0.11"), netip.MustParseAddr("169.254.169.254"),
				}
				tt.Pay = func(_ context.Context, n int) bool {
					bought = append(bought, n)
					return tc.pays
				}
			}))
			if diff := cmp.Diff(tc.bought, bought); diff != "" || got.Err != tc.want {
				t.Errorf("result %q, want %q; paid for (-want +got):\n%s", got.Err, tc.want, diff)
			}
			if (asked.Load() > 0) != (tc.want == None) {
				t.Errorf("%d connections, result %q", asked.Load(), got.Err)
			}
		})
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	const secret = "sk-123"
	c := Credentials{Header: "Authorization", Value: secret}
	for _, shown := range []string{
		fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%q", c.Value), fmt.Sprintf("%x", c.Value), fmt.Sprintf("%v", &c),
	} {
		if strings.Contains(shown, secret) || strings.Contains(shown, fmt.Sprintf("%x", secret)) {
			t.Errorf("the secret shows in %s", shown)
		}
	}
}
