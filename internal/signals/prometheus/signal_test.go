// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// server answers each query as told, and anything else with no series.
type server struct {
	*httptest.Server
	answers map[string]string

	mu    sync.Mutex
	forms []string
}

func newServer(t *testing.T, answers map[string]string) *server {
	t.Helper()
	s := &server{answers: answers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			_, _ = io.WriteString(w, series("1"))
			return
		}
		if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.URL.Path != "/prom/api/v1/query" || r.Header.Get("Accept-Encoding") != "" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		s.mu.Lock()
		s.forms = append(s.forms, r.Form.Encode())
		s.mu.Unlock()
		answer := s.answers[r.Form.Get("query")]
		if status, _, ok := strings.Cut(answer, " "); ok && len(status) == 3 {
			code, _ := strconv.Atoi(status)
			w.Header().Set("Location", s.URL+"/elsewhere")
			w.WriteHeader(code)
			return
		}
		_, _ = io.WriteString(w, or(answer, series()))
	}))
	t.Cleanup(s.Close)
	return s
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// series is the answer with these values, each a series of its own.
func series(values ...string) string {
	var all []string
	for i, v := range values {
		all = append(all, fmt.Sprintf(`{"metric":{"i":"%d"},"value":[1764064800.1,%q]}`, i, v))
	}
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(all, ",") + `]}}`
}

func signal(s *server) Signal {
	return Signal{Server: s.URL + "/prom/", Window: time.Minute, MinCalls: 10, FailurePercent: 50}
}

func TestEvaluate(t *testing.T) {
	const all = math.MaxInt
	for name, tc := range map[string]struct {
		answers map[string]string // to the queries bad, total and ratio
		ratio   bool
		counted bool // beside ratio
		want    Verdict
	}{
		"nothing fails":            {map[string]string{"bad": series("0"), "total": series("1")}, false, false, Verdict{Calls: 60}},
		"some fail":                {map[string]string{"bad": series("0.49"), "total": series("1")}, false, false, Verdict{Calls: 60}},
		"too many fail":            {map[string]string{"bad": series("0.5"), "total": series("1")}, false, false, Verdict{Failing: true, Calls: 60}},
		"all fail, a moment later": {map[string]string{"bad": series("1.1"), "total": series("1")}, false, false, Verdict{Failing: true, Calls: 60}},
		"too few calls":            {map[string]string{"bad": series("0.15"), "total": series("0.15")}, false, false, Verdict{Calls: 9}},
		"no calls":                 {map[string]string{"bad": series("0"), "total": series("0")}, false, false, Verdict{}},
		"enough calls":             {map[string]string{"bad": series("0.17"), "total": series("0.17")}, false, false, Verdict{Failing: true, Calls: 10}},
		"a scalar":                 {map[string]string{"bad": `{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}`, "total": series("1")}, false, false, Verdict{Failing: true, Calls: 60}},
		"no total":                 {map[string]string{"bad": series("1")}, false, false, Verdict{Problem: NoData}},
		"no failures":              {map[string]string{"total": series("1")}, false, false, Verdict{Problem: NoData}},
		"several series":           {map[string]string{"bad": series("1", "2"), "total": series("1")}, false, false, Verdict{Problem: Ambiguous}},
		"NaN":                      {map[string]string{"bad": series("NaN"), "total": series("1")}, false, false, Verdict{Problem: Ambiguous}},
		"infinite":                 {map[string]string{"bad": series("1"), "total": series("+Inf")}, false, false, Verdict{Problem: Ambiguous}},
		"negative":                 {map[string]string{"bad": series("-1"), "total": series("1")}, false, false, Verdict{Problem: Ambiguous}},
		"more than all":            {map[string]string{"bad": series("3"), "total": series("1")}, false, false, Verdict{Problem: Ambiguous}},
		"a range":                  {map[string]string{"bad": `{"status":"success","data":{"resultType":"matrix","result":[]}}`, "total": series("1")}, false, false, Verdict{Problem: Ambiguous}},
		"a warning":                {map[string]string{"bad": strings.Replace(series("1"), "{", `{"warnings":["a store is away"],`, 1), "total": series("1")}, false, false, Verdict{Problem: Ambiguous}},
		"refused":                  {map[string]string{"bad": "400 ", "total": series("1")}, false, false, Verdict{Problem: Refused}},
		"cannot be executed":       {map[string]string{"bad": "422 ", "total": series("1")}, false, false, Verdict{Problem: Refused}},
		"an error":                 {map[string]string{"bad": "503 ", "total": series("1")}, false, false, Verdict{Problem: Unreachable}},
		"a redirect":               {map[string]string{"bad": "307 ", "total": series("1")}, false, false, Verdict{Problem: Unreachable}},
		"no JSON":                  {map[string]string{"bad": "hello", "total": series("1")}, false, false, Verdict{Problem: Unreachable}},
		"an endless answer":        {map[string]string{"bad": series("1") + strings.Repeat(" ", 1<<20), "total": series("1")}, false, false, Verdict{Problem: Ambiguous}},
		"a ratio":                  {map[string]string{"ratio": series("0.5")}, true, false, Verdict{Failing: true, Calls: all}},
		"a low ratio":              {map[string]string{"ratio": series("0.1")}, true, false, Verdict{Calls: all}},
		"a ratio of nothing":       {map[string]string{"ratio": series("NaN")}, true, false, Verdict{Calls: all}},
		"a percentage":             {map[string]string{"ratio": series("50")}, true, false, Verdict{Problem: Ambiguous}},
		"a ratio of few calls":     {map[string]string{"ratio": series("1"), "total": series("0.1")}, true, true, Verdict{Calls: 6}},
		"no ratio":                 {nil, true, false, Verdict{Problem: NoData}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, tc.answers)
			region := Region{Name: "us-east", Bad: "bad", Total: "total"}
			if tc.ratio {
				region = Region{Name: "us-east", ErrorRatio: "ratio"}
			}
			if tc.counted {
				region.Total = "total"
			}
			if got := NewClient(nil).Evaluate(t.Context(), signal(s), region); got != tc.want {
				t.Errorf("%+v, want %+v", got, tc.want)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, form := range s.forms {
				if !strings.Contains(form, "lookback_delta=60&") || !strings.Contains(form, "timeout=5s") {
					t.Errorf("asked %s, want it bounded in time", form)
				}
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	s := newServer(t, nil)
	s.Close()
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")
	if got := NewClient(nil).Evaluate(t.Context(), signal(s), Region{Bad: "bad", Total: "total"}); got != (Verdict{Problem: Unreachable}) {
		t.Errorf("%+v, want Unreachable", got)
	}
	long := Region{ErrorRatio: strings.Repeat("x", MaxQuery+1)}
	if got := NewClient(nil).Evaluate(t.Context(), signal(s), long); got != (Verdict{Problem: Refused}) {
		t.Errorf("a query of %d bytes: %+v, want Refused", MaxQuery+1, got)
	}
}

// Many LLMBackends together ask a few questions at a time.
func TestBoundedConcurrency(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		now++
		if now == atOnce && most < atOnce {
			close(release)
		}
		most = max(most, now)
		mu.Unlock()
		<-release
		mu.Lock()
		now--
		mu.Unlock()
		_, _ = io.WriteString(w, series("0"))
	}))
	defer s.Close()
	c := NewClient(nil)
	var all sync.WaitGroup
	for range 5 * atOnce {
		all.Go(func() {
			if _, problem := c.value(t.Context(), s.URL, "q", time.Minute); problem != "" {
				t.Errorf("problem %s", problem)
			}
		})
	}
	all.Wait()
	if most != atOnce {
		t.Errorf("%d queries at a time, want %d", most, atOnce)
	}
}

func TestServers(t *testing.T) {
	servers, err := ParseServers("http://a:9090/, https://b/prometheus")
	if err != nil {
		t.Fatal(err)
	}
	c := NewClient(servers)
	for server, want := range map[string]bool{
		"http://a:9090": true, "http://a:9090/": true, "https://b/prometheus": true, "https://b": false, "http://a:9091": false,
		"https://a:9090": false, "http://a:9090/../x": false, "": false, "http://a:9090@c": false,
	} {
		if got := c.Allows(server); got != want {
			t.Errorf("%q is allowed: %t, want %t", server, got, want)
		}
	}
	if NewClient(nil).Allows("http://a:9090") {
		t.Error("a server is allowed by default")
	}
	for _, list := range []string{"a:9090", "ftp://a", "http://", "http://u:p@a", "http://a?x=1", "http://a#x", "http://[::1"} {
		if got, err := ParseServers(list); err == nil {
			t.Errorf("%q is read as %v", list, got)
		}
	}
}

func TestExpand(t *testing.T) {
	got := Expand("rate(x{${selector}}[${window}]) + ${other}", `region="${window}"`, 90*time.Second)
	if want := "rate(x{region=\"${window}\"}[90000ms]) + ${other}"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// FuzzParse: whatever a server answers is one number or a problem.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		series("1"), series(), series("1", "2"), series("NaN"), series("1e999"), "{}", "[]", "null", `{"status":"success"}`,
		`{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}`,
		`{"status":"success","data":{"resultType":"vector","result":[{"value":[1]}]}}`,
		`{"status":"success","data":{"resultType":"vector","result":[{"value":{"a":1}}]}}`,
		`{"status":"success","data":{"resultType":"vector","result":[{"value":[1,1]}]},"warnings":["x"]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		value, problem := parse(body)
		if problem != "" && value != 0 {
			t.Errorf("%v with problem %s", value, problem)
		}
	})
}
