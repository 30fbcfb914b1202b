// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// ample bounds what a test waits for. It is long enough for a busy machine.
const ample = 30 * time.Second

// soon bounds what a test expects not to come.
const soon = 100 * time.Millisecond

func TestRegionServesOpenAI(t *testing.T) {
	for _, addr := range []string{"10.1.0.10:8000", "10.9.255.254:80", "[fd00:1::10]:8000"} {
		t.Run(addr, func(t *testing.T) {
			r := newRegion(t, addr, lab.WithName("us-east"))
			completion := `{"model": "demo", "messages": [{"role": "user", "content": "Hi"}]`
			tests := []struct {
				method, path, body string
				code               int
				contains           string
			}{
				{"GET", "/health", "", 200, `"region":"us-east"`},
				{"GET", "/v1/models", "", 200, `"id":"demo"`},
				{"POST", "/v1/chat/completions", completion + `}`, 200, `"content":"Hello from us-east"`},
				{"POST", "/v1/chat/completions", completion + `, "stream": true}`, 200, "data: [DONE]\n\n"},
				{"POST", "/v1/chat/completions", completion + `, "stream": true}`, 200, `{"content":"us-east"}`},
				{"POST", "/v1/chat/completions", `{"model": "gpt"}`, 404, `use \"demo\"`},
				{"POST", "/v1/chat/completions", `nonsense`, 400, "not JSON"},
				{"GET", "/v1/chat/completions", "", 404, "no such route"},
			}
			for _, test := range tests {
				code, body, err := request(within(t, ample), test.method, r.URL()+test.path, test.body)
				if err != nil || code != test.code || !strings.Contains(body, test.contains) {
					t.Errorf("%s %s %s = %d, %q, %v; want %d and %q",
						test.method, test.path, test.body, code, body, err, test.code, test.contains)
				}
			}
			want := map[string]int{"/health": 1, "/v1/models": 1, "/v1/chat/completions": 6}
			if diff := cmp.Diff(want, r.Requests()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRegionMisbehaves(t *testing.T) {
	r := newRegion(t, "10.1.0.10:8000")
	tests := []struct {
		name      string
		behaviour lab.Behaviour
		timeout   time.Duration
		code      int
		err       error
	}{
		{"Status", lab.Status(503), ample, 503, nil},
		{"Redirect", lab.Redirect("http://10.2.0.10:8000/health"), ample, 307, nil},
		{"EndlessBody", lab.EndlessBody(), ample, 200, errEndless},
		{"Hang", lab.Hang(), soon, 0, context.DeadlineExceeded},
		{"Drip", lab.Drip(soon / 4), soon, 0, context.DeadlineExceeded},
		{"Slow", lab.Slow(time.Hour), soon, 0, context.DeadlineExceeded},
		{"Reset", lab.Reset(), ample, 0, syscall.ECONNRESET},
		{"Refuse", lab.Refuse(), ample, 0, syscall.ECONNREFUSED},
		{"SlowInTime", lab.Slow(time.Millisecond), ample, 200, nil},
		{"DripInTime", lab.Drip(time.Microsecond), ample, 200, nil},
		{"HealthyAgain", lab.Healthy(), ample, 200, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := r.Set(test.behaviour); err != nil {
				t.Fatal(err)
			}
			code, _, err := request(within(t, test.timeout), "GET", r.URL()+"/health", "")
			if code != test.code || !errors.Is(err, test.err) {
				t.Errorf("got %d, %v; want %d, %v", code, err, test.code, test.err)
			}
		})
	}
}

func TestRegionAnswersNonsense(t *testing.T) {
	r := newRegion(t, "10.1.0.10:8000")
	if err := r.Set(lab.Nonsense()); err != nil {
		t.Fatal(err)
	}
	_, _, err := request(within(t, ample), "GET", r.URL()+"/health", "")
	if err == nil || !strings.Contains(err.Error(), "malformed HTTP") {
		t.Errorf("error %v; want malformed HTTP", err)
	}
}

func TestRegionSendsHeadersOfStatus(t *testing.T) {
	r := newRegion(t, "10.1.0.10:8000")
	if err := r.Set(lab.Status(429, "Retry-After", "300", "X-Other", "y")); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if got := [2]string{response.Header.Get("Retry-After"), response.Header.Get("X-Other")}; got != [2]string{"300", "y"} {
		t.Errorf("headers %q", got)
	}
}

func TestRegionLogsRequests(t *testing.T) {
	r := newRegion(t, "10.1.0.12:8000", lab.WithLog())
	silent := newRegion(t, "10.1.0.13:8000")
	began := time.Now()
	for _, region := range []*lab.Region{r, silent} {
		for _, b := range []lab.Behaviour{lab.Healthy(), lab.Status(503)} {
			if err := region.Set(b); err != nil {
				t.Fatal(err)
			}
			if _, _, err := request(within(t, ample), "GET", region.URL()+"/health", ""); err != nil {
				t.Fatal(err)
			}
		}
		region.Close() // ends what still runs
	}
	if log := silent.Log(); len(log) > 0 {
		t.Errorf("without WithLog: %+v", log)
	}
	var modes []lab.Mode
	for _, request := range r.Log() {
		modes = append(modes, request.Behaviour.Mode)
		if request.Path != "/health" || request.Arrived.Before(began) || request.Ended.Before(request.Arrived) {
			t.Errorf("logged %+v, want a request for /health since %s that has ended", request, began)
		}
	}
	if diff := cmp.Diff([]lab.Mode{lab.ModeHealthy, lab.ModeStatus}, modes); diff != "" {
		t.Errorf("behaviour (-want +got):\n%s", diff)
	}
}

func TestRegionRefusesBadBehaviour(t *testing.T) {
	r := newRegion(t, "10.1.0.10:8000")
	for want, behaviour := range map[string]lab.Behaviour{
		"use one of":     {Mode: "sleepy"},
		"use 200 to 599": lab.Status(99),
		"give the URL":   lab.Redirect(""),
		"use 0s or more": lab.Slow(-1),
	} {
		if err := r.Set(behaviour); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Set(%+v): error %v; want %q", behaviour, err, want)
		}
	}
}

func TestRegionRefusingEndsConnections(t *testing.T) {
	r := newRegion(t, "10.1.0.10:8000")
	conn, err := net.Dial("tcp", r.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := r.WaitConnections(within(t, ample), 1); err != nil {
		t.Fatal(err)
	}
	if err := r.Set(lab.Refuse()); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(ample)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading from a connection to a region that refuses: %d, %v; want its end", n, err)
	}
}

func TestRegionHookHoldsOneProbeBack(t *testing.T) {
	r := newRegion(t, "10.1.0.10:8000")
	release := make(chan struct{})
	var seen atomic.Bool
	r.OnRequest(func(req *http.Request) {
		if seen.Swap(true) {
			return
		}
		select {
		case <-release:
		case <-req.Context().Done():
		}
	})
	held := make(chan error, 1)
	go func() {
		response, err := http.Get(r.URL() + "/health")
		if err == nil {
			err = response.Body.Close()
		}
		held <- err
	}()
	if err := r.WaitRequests(within(t, ample), "/health", 1); err != nil {
		t.Fatal(err)
	}
	if code, _, err := request(within(t, ample), "GET", r.URL()+"/health", ""); code != 200 {
		t.Errorf("second request while the first is held back: %d, %v", code, err)
	}
	select {
	case err := <-held:
		t.Errorf("the first request was answered while held back: %v", err)
	default:
	}
	close(release)
	if err := <-held; err != nil {
		t.Error(err)
	}
	r.OnRequest(nil)
	if err := r.WaitRequests(within(t, ample), "/health", 2); err != nil {
		t.Error(err)
	}
	err := r.WaitRequests(within(t, soon), "/health", 3)
	if err == nil || !strings.Contains(err.Error(), "2 of 3 requests for /health") {
		t.Errorf("waiting for a third request: error %v; want how far it is", err)
	}
}

func TestRegionCloseLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, behaviour := range []lab.Behaviour{
		lab.Healthy(), lab.Hang(), lab.Drip(time.Hour), lab.EndlessBody(), lab.Slow(time.Hour), lab.Refuse(),
	} {
		r, err := lab.NewRegion("10.1.0.10:8000")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", r.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Set(behaviour); err != nil {
			t.Fatal(err)
		}
		if behaviour.Mode != lab.ModeRefuse {
			if _, err := io.WriteString(conn, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if err := r.WaitRequests(within(t, ample), "/health", 1); err != nil {
				t.Fatal(err)
			}
		}
		r.Close()
		r.Close()
		if err := r.Set(lab.Healthy()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Set after Close: error %v; want %v", err, net.ErrClosed)
		}
		_ = conn.Close()
	}
	// A goroutine that has said it is done needs a moment to be gone.
	for deadline := time.Now().Add(ample); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("goroutines left:\n%s", stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func newRegion(t *testing.T, addr string, opts ...lab.RegionOption) *lab.Region {
	t.Helper()
	r, err := lab.NewRegion(addr, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// errEndless is how request ends when an answer is longer than any real one.
var errEndless = errors.New("endless answer")

// request makes one request on a connection of its own, and follows no redirect.
func request(ctx context.Context, method, url, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Close = true
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	const limit = 4 << 20
	content, err := io.ReadAll(io.LimitReader(response.Body, limit))
	if len(content) == limit {
		err = errEndless
	}
	return response.StatusCode, string(content), err
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
