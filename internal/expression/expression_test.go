// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"strings"
	"testing"
)

func TestHolds(t *testing.T) {
	var cache Cache
	for _, tc := range []struct {
		source, body string
		want         bool
	}{
		{`body.status == "ok"`, `{"status":"ok"}`, true},
		{`body.status == "ok"`, `{"status":"no"}`, false},
		{`body.data.exists(m, m.id == "llama3")`, `{"data":[{"id":"gpt"},{"id":"llama3"}]}`, true},
		{`body.queue < 100`, `{"queue":99}`, true},
		{`body.queue < 100`, `{"queue":100.5}`, false},
		{`body.size() == 2`, `[1,2]`, true},
		{`body.state.lowerAscii() == "ready"`, `{"state":"READY"}`, true},
		{`has(body.error)`, `{}`, false},
		{`!has(body.error)`, `{}`, true},
		{`body`, `true`, true},
		{`body`, `"true"`, false},
		{`body.status == "ok"`, `{}`, false},
		{`body.status == "ok"`, `null`, false},
		{`true`, `not JSON`, false},
		{`true`, ``, false},
	} {
		program, err := cache.Get(tc.source)
		if err != nil {
			t.Fatal(err)
		}
		if got := program.Holds([]byte(tc.body)); got != tc.want {
			t.Errorf("%s of %s is %v, want %v", tc.source, tc.body, got, tc.want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	var cache Cache
	for source, want := range map[string]string{
		`body.`:             "Syntax error",
		`status == 200`:     "undeclared reference to 'status'",
		`1 + 1`:             "the expression is of type int: write one that is true or false",
		`"ok"`:              "the expression is of type string",
		`body.matches("(")`: "error parsing regexp",
	} {
		for range 2 { // the second time from the cache
			if _, err := cache.Get(source); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want one with %q", source, err, want)
			}
		}
	}
}

// An expression that costs too much does not hold, and soon.
func TestCostIsBounded(t *testing.T) {
	var cache Cache
	program, err := cache.Get(`body.all(a, body.all(b, body.all(c, body.all(d, a + b + c + d >= 0))))`)
	if err != nil {
		t.Fatal(err)
	}
	body := "[" + strings.TrimSuffix(strings.Repeat("1,", 1000), ",") + "]"
	if _, err := program.evaluate([]byte(body)); err == nil || !strings.Contains(err.Error(), "cost limit") {
		t.Errorf("error %v, want the cost limit", err)
	}
	if !program.Holds([]byte("[1,2]")) {
		t.Error("it does not hold of a small body")
	}
}

// The cache stays small whatever is asked for.
func TestCacheIsBounded(t *testing.T) {
	var cache Cache
	for i := range maxCached + 10 {
		if _, err := cache.Get(fmt.Sprintf("body == %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(cache.compiled) > maxCached {
		t.Errorf("%d expressions are kept", len(cache.compiled))
	}
}

func FuzzHolds(f *testing.F) {
	f.Add(`body.status == "ok"`, []byte(`{"status":"ok"}`))
	f.Add(`body.data.exists(m, m.id == "x")`, []byte(`{"data":[{"id":"x"}]}`))
	f.Add(`body[0][0]`, []byte(`[[true]]`))
	f.Add(`body.`, []byte(``))
	f.Add(`body.all(a, body.all(b, a == b))`, []byte(`[1,2,3]`))
	env, err := NewEnvironment()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, source string, body []byte) {
		if len(source) > 512 || len(body) > 64<<10 {
			t.Skip("longer than the schema and the prober let through")
		}
		program, err := env.Compile(source)
		if err == nil {
			program.Holds(body)
		}
	})
}
