// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package apiproxy_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/breakwater-dev/breakwater/test/apiproxy"
)

// ample bounds what a test waits for. It is long enough for a busy machine.
const ample = 30 * time.Second

// apiServer answers every request with its method and path, and watches with what is sent to events.
type apiServer struct {
	*httptest.Server
	requests chan string
	events   chan string
}

func newAPIServer(t *testing.T) (*apiServer, *apiproxy.Proxy, string) {
	t.Helper()
	s := &apiServer{requests: make(chan string, 100), events: make(chan string, 100)}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	p, err := apiproxy.New(&rest.Config{Host: s.URL}, "apps")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := p.WriteKubeconfig(path); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(content)
	if err != nil {
		t.Fatal(err)
	}
	return s, p, config.Host
}

func (s *apiServer) serve(w http.ResponseWriter, req *http.Request) {
	s.requests <- req.Method + " " + req.URL.Path
	if !req.URL.Query().Has("watch") {
		_, _ = fmt.Fprint(w, "as asked")
		return
	}
	flush := http.NewResponseController(w).Flush
	for flush() == nil {
		select {
		case event := <-s.events:
			fmt.Fprintln(w, event)
		case <-req.Context().Done():
			return
		}
	}
}

// ask makes a request and returns the answer's code and body, or what went wrong.
func ask(t *testing.T, method, url string) (int, string, error) {
	t.Helper()
	client := &http.Client{Timeout: ample, Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

const (
	status = "/apis/llm.breakwater.dev/v1alpha1/namespaces/apps/llmbackends/chat/status"
	slice  = "/apis/discovery.k8s.io/v1/namespaces/apps/endpointslices/chat-breakwater-ipv4"
)

func TestWritesAreNumbered(t *testing.T) {
	_, p, host := newAPIServer(t)
	requests := []struct{ method, path string }{
		{"PATCH", status},
		{"GET", status},
		{"POST", "/apis/events.k8s.io/v1/namespaces/apps/events"},
		{"PUT", "/apis/coordination.k8s.io/v1/namespaces/apps/leases/leader"},
		{"POST", "/api/v1/namespaces/apps/services"},
		{"DELETE", slice},
	}
	for _, r := range requests {
		if code, body, err := ask(t, r.method, host+r.path); code != 200 || body != "as asked" || err != nil {
			t.Errorf("%s %s = %d, %q, %v", r.method, r.path, code, body, err)
		}
	}
	var got []string
	for _, w := range p.Writes() {
		got = append(got, w.String())
	}
	want := []string{
		"1. PATCH " + status + ": 200",
		"2. POST /api/v1/namespaces/apps/services: 200",
		"3. DELETE " + slice + ": 200",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	p.Intercept(nil)
	if writes := p.Writes(); len(writes) > 0 {
		t.Errorf("writes since Intercept: %v, want none", writes)
	}
}

func TestWriteIsAbout(t *testing.T) {
	tests := []struct {
		path, resource string
		want           bool
	}{
		{status, "llmbackends/status", true},
		{status, "llmbackends", false},
		{strings.TrimSuffix(status, "/status"), "llmbackends", true},
		{strings.TrimSuffix(status, "/status"), "llmbackends/status", false},
		{slice, "endpointslices", true},
		{"/api/v1/namespaces/apps/services", "services", true},
		{"/api/v1/namespaces/endpointslices/services/chat", "endpointslices", false},
	}
	for _, test := range tests {
		if got := (apiproxy.Write{Path: test.path}).About(test.resource); got != test.want {
			t.Errorf("%s about %s: %v, want %v", test.path, test.resource, got, test.want)
		}
	}
}

func TestOneNamespaceIsShown(t *testing.T) {
	tests := map[string]string{
		"GET /api/v1/services":                              "GET /api/v1/namespaces/apps/services",
		"GET /apis/discovery.k8s.io/v1/endpointslices":      "GET /apis/discovery.k8s.io/v1/namespaces/apps/endpointslices",
		"GET /apis/llm.breakwater.dev/v1alpha1/llmbackends": "GET /apis/llm.breakwater.dev/v1alpha1/namespaces/apps/llmbackends",
		"GET /api/v1/namespaces/other/services":             "GET /api/v1/namespaces/other/services",
		"GET /api/v1/nodes":                                 "GET /api/v1/nodes",
		"GET /apis":                                         "GET /apis",
	}
	s, _, host := newAPIServer(t)
	for request, want := range tests {
		method, path, _ := strings.Cut(request, " ")
		if _, _, err := ask(t, method, host+path); err != nil {
			t.Error(err)
		}
		if got := <-s.requests; got != want {
			t.Errorf("%s arrived as %s, want %s", request, got, want)
		}
	}
}

func TestIntercept(t *testing.T) {
	tests := map[string]struct {
		interceptor apiproxy.Interceptor
		code        int // 0: no answer
		arrives     bool
	}{
		"passed on": {
			func(_ apiproxy.Write, forward apiproxy.Forward) *apiproxy.Answer { return forward() }, 200, true},
		"lost":        {func(apiproxy.Write, apiproxy.Forward) *apiproxy.Answer { return nil }, 0, false},
		"answer lost": {func(_ apiproxy.Write, forward apiproxy.Forward) *apiproxy.Answer { forward(); return nil }, 0, true},
		"refused":     {func(apiproxy.Write, apiproxy.Forward) *apiproxy.Answer { return apiproxy.Refusal(429) }, 429, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, p, host := newAPIServer(t)
			p.Intercept(test.interceptor)
			code, _, err := ask(t, "PATCH", host+status)
			if code != test.code || (err != nil) != (test.code == 0) {
				t.Errorf("answered with %d, %v, want %d", code, err, test.code)
			}
			if arrived := len(s.requests) == 1; arrived != test.arrives {
				t.Errorf("arrived: %v, want %v", arrived, test.arrives)
			}
		})
	}
}

// A write arrives although its sender has gone before it was passed on.
func TestLateWriteArrives(t *testing.T) {
	s, p, host := newAPIServer(t)
	held, release := make(chan struct{}), make(chan struct{})
	p.Intercept(func(_ apiproxy.Write, forward apiproxy.Forward) *apiproxy.Answer {
		close(held)
		<-release
		return forward()
	})
	client := &http.Client{}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, host+status, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	go func() {
		<-held
		client.CloseIdleConnections()
		p.Cut()
		close(gone)
	}()
	if _, err := client.Do(req); err == nil {
		t.Error("a sender whose connection was cut has an answer")
	}
	<-gone
	close(release)
	select {
	case got := <-s.requests:
		if want := "PATCH " + status; got != want {
			t.Errorf("%s arrived, want %s", got, want)
		}
	case <-time.After(ample):
		t.Error("the write did not arrive")
	}
}

func TestCut(t *testing.T) {
	_, p, host := newAPIServer(t)
	p.Cut()
	if code, _, err := ask(t, "GET", host+status); err == nil {
		t.Errorf("while cut: answered with %d", code)
	}
	p.Restore()
	if code, _, err := ask(t, "GET", host+status); code != 200 || err != nil {
		t.Errorf("restored: answered with %d, %v", code, err)
	}
}

// watch begins a watch of slices and returns what it brings.
func watch(t *testing.T, host, query string) <-chan string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		host+"/apis/discovery.k8s.io/v1/endpointslices?watch=true"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(response.Body)
		for scanner.Scan() {
			lines <- scanner.Text()
		}
	}()
	return lines
}

func next(t *testing.T, lines <-chan string) string {
	t.Helper()
	select {
	case line, ok := <-lines:
		if !ok {
			return "end"
		}
		return line
	case <-time.After(ample):
		t.Fatal("the watch brings nothing")
		return ""
	}
}

func TestDelay(t *testing.T) {
	s, p, host := newAPIServer(t)
	const delay = 300 * time.Millisecond
	p.Delay("endpointslices", delay)
	lines := watch(t, host, "")
	sent := time.Now()
	s.events <- "one"
	if got, took := next(t, lines), time.Since(sent); got != "one" || took < delay {
		t.Errorf("%q came after %s, want one after %s", got, took, delay)
	}
	p.Delay("endpointslices", time.Hour)
	s.events <- "two"
	p.Show("endpointslices")
	if got := next(t, lines); got != "two" {
		t.Errorf("%q came, want two, since there is no delay any more", got)
	}
}

// A watch that has missed a change ends as one that is too old. One that has missed nothing goes on.
func TestDrop(t *testing.T) {
	s, p, host := newAPIServer(t)
	lines := watch(t, host, "")
	p.Drop("services")
	s.events <- "of another resource"
	if got := next(t, lines); got != "of another resource" {
		t.Errorf("got %q", got)
	}
	p.Drop("endpointslices")
	p.Show("endpointslices")
	s.events <- "not hidden any more"
	if got := next(t, lines); got != "not hidden any more" {
		t.Errorf("got %q", got)
	}

	got := "change"
	for got == "change" { // until one comes while changes are hidden
		p.Drop("endpointslices")
		s.events <- "change"
		time.Sleep(time.Millisecond)
		p.Show("endpointslices")
		got = next(t, lines)
	}
	var event struct {
		Type   string
		Object metav1.Status
	}
	if json.Unmarshal([]byte(got), &event) != nil || event.Type != "ERROR" || event.Object.Code != http.StatusGone {
		t.Errorf("got %q, want an error event with code 410", got)
	}
	if got := next(t, lines); got != "end" {
		t.Errorf("got %q, want the end", got)
	}
}

// A list that comes as a watch is shown to its end whatever is hidden.
func TestDropLeavesInitialEvents(t *testing.T) {
	s, p, host := newAPIServer(t)
	p.Drop("endpointslices")
	lines := watch(t, host, "&sendInitialEvents=true")
	end := `{"type":"BOOKMARK","object":{"metadata":{"annotations":{"` + metav1.InitialEventsAnnotationKey + `":"true"}}}}`
	for _, event := range []string{"one", "two", end} {
		s.events <- event
		if got := next(t, lines); got != event {
			t.Errorf("got %q, want %q", got, event)
		}
	}
	s.events <- "hidden"
	p.Show("services") // another resource
	select {
	case got := <-lines:
		t.Errorf("got %q, which is hidden", got)
	case <-time.After(100 * time.Millisecond):
	}
}
