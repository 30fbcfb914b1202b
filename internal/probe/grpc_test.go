// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// dialTo connects to a server wherever it listens, whatever address is asked for.
func dialTo(server *httptest.Server) Dial {
	return func(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", server.Listener.Addr().String())
	}
}

// health answers as a gRPC server would: with a message, if there is one, and a status in the trailers.
func health(message, status string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		io.WriteString(w, message)
		w.Header().Set("Grpc-Status", status)
	}
}

// trailersOnly answers with a status and nothing else.
func trailersOnly(status string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", status)
	}
}

func TestGRPC(t *testing.T) {
	const (
		isServing  = "\x00\x00\x00\x00\x02\x08\x01"
		notServing = "\x00\x00\x00\x00\x02\x08\x02"
		unknown    = "\x00\x00\x00\x00\x00"
	)
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		change  func(*Target)
		want    Answer
	}{
		"serving":              {health(isServing, "0"), nil, Answer{Status: 200}},
		"not serving":          {health(notServing, "0"), nil, Answer{Status: 200, Err: NotServing}},
		"unknown":              {health(unknown, "0"), nil, Answer{Status: 200, Err: NotServing}},
		"with another field":   {health("\x00\x00\x00\x00\x05\x12\x01x\x08\x01", "0"), nil, Answer{Status: 200}},
		"no such service":      {trailersOnly("5"), nil, Answer{Status: 404}},
		"no health service":    {trailersOnly("12"), nil, Answer{Status: 501}},
		"unavailable":          {trailersOnly("14"), nil, Answer{Status: 503}},
		"unauthenticated":      {trailersOnly("16"), nil, Answer{Status: 401}},
		"limited":              {trailersOnly("8"), nil, Answer{Status: 429}},
		"a code there is not":  {trailersOnly("99"), nil, Answer{Status: 500}},
		"no status":            {health(isServing, ""), nil, Answer{Status: 200, Err: MalformedResponse}},
		"no message":           {health("", "0"), nil, Answer{Status: 200, Err: MalformedResponse}},
		"half a message":       {health("\x00\x00\x00\x00\x09\x08", "0"), nil, Answer{Status: 200, Err: MalformedResponse}},
		"compressed":           {health("\x01\x00\x00\x00\x02\x08\x01", "0"), nil, Answer{Status: 200, Err: MalformedResponse}},
		"no field":             {health("\x00\x00\x00\x00\x01\xff", "0"), nil, Answer{Status: 200, Err: MalformedResponse}},
		"HTTP, not gRPC":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, nil, Answer{Status: 502}},
		"redirect":             {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusFound) }, nil, Answer{Status: 302}},
		"hangs":                {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(t *Target) { t.Timeout = 200 * time.Millisecond }, Answer{Err: Timeout}},
		"ends the stream":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil, Answer{Err: MalformedResponse}},
		"sends without an end": {func(w http.ResponseWriter, _ *http.Request) { sendForever(w) }, nil, Answer{Status: 200, Err: MalformedResponse}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(tc.handler)
			server.Config.Protocols = new(http.Protocols)
			server.Config.Protocols.SetUnencryptedHTTP2(true)
			server.Start()
			defer server.Close()
			got := New(nil, Options{Dial: dialTo(server)}).Probe(t.Context(), target(func(t *Target) {
				t.Type = GRPC
				if tc.change != nil {
					tc.change(t)
				}
			}))
			want := []AddressResult{{Addr: netip.MustParseAddr("192.0.2.1"), Answer: tc.want}}
			if diff := cmp.Diff(want, got.Addresses, compareAnswers(), cmpopts.IgnoreFields(Answer{}, "Date")); diff != "" {
				t.Errorf("-want +got:\n%s(%s)", diff, got.Addresses[0].Detail)
			}
		})
	}
}

func sendForever(w http.ResponseWriter) {
	for {
		if _, err := w.Write(make([]byte, 1<<10)); err != nil {
			return
		}
	}
}

// A server that speaks HTTP/1.1 only has no health service. It refuses and closes: what the probe meets of that first
// is a matter of luck.
func TestGRPCOverHTTP1(t *testing.T) {
	server := httptest.NewServer(trailersOnly("0"))
	defer server.Close()
	got := New(nil, Options{Dial: dialTo(server)}).Probe(t.Context(), target(func(t *Target) { t.Type = GRPC }))
	if err := got.Addresses[0].Err; err != MalformedResponse && err != ConnectionReset {
		t.Errorf("result %+v, want MalformedResponse or ConnectionReset", got.Addresses[0])
	}
}

// What a probe asks a health service: service, authority, deadline and credential.
func TestGRPCRequest(t *testing.T) {
	asked := make(chan *http.Request, 1)
	bodies := make(chan string, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked <- r
		bodies <- string(body)
		trailersOnly("14")(w, r)
	}))
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	New(nil, Options{Dial: dialTo(server)}).Probe(t.Context(), target(func(t *Target) {
		t.Type, t.Service = GRPC, "llm"
		t.Private = private{credentials: Credentials{Header: "Authorization", Value: "Bearer k"}}
	}))
	r := <-asked
	got := []string{r.Method, r.URL.Path, r.Host, r.Header.Get("Content-Type"), r.Header.Get("Te"), r.Header.Get("Authorization"), <-bodies}
	want := []string{"POST", "/grpc.health.v1.Health/Check", "chat.apps.svc", "application/grpc", "trailers", "Bearer k", "\x00\x00\x00\x00\x05\x0a\x03llm"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if r.Header.Get("Accept-Encoding") != "" {
		t.Error("compression was asked for")
	}
}

func FuzzServingStatus(f *testing.F) {
	for _, seed := range []string{"\x00\x00\x00\x00\x02\x08\x01", "\x00\x00\x00\x00\x00", "\x00\x00\x00\x00\x01\xff", "\x00\x00\x00\x00\x05\x12\x01x\x08\x01", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		if status, err := servingStatus(frame); err != nil && status != 0 {
			t.Errorf("status %d with error %v", status, err)
		}
	})
}
