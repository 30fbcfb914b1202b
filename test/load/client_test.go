// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package load

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// A server that answers, fails, hangs and answers again: calls go on meanwhile.
func TestClient(t *testing.T) {
	const timeout = 50 * time.Millisecond
	var call atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Only then does the server notice a client that has gone.
		_, _ = io.Copy(io.Discard, r.Body)
		switch call.Add(1) {
		case 3:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 5:
			<-r.Context().Done()
		default:
			_, _ = w.Write([]byte(`{"choices": [{"message": {"content": "Hello from here"}}]}`))
		}
	}))
	t.Cleanup(server.Close)

	client := Start(t.Context(), Options{URL: server.URL, Interval: 5 * time.Millisecond, Timeout: timeout})
	enough := func() bool {
		regions, failed := client.Record().Answers()
		return regions["here"] >= 10 && failed >= 2
	}
	for deadline := time.Now().Add(30 * time.Second); !enough(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 30 s: %s", client.Record())
		}
	}
	record := client.Stop()
	if !record[0].Start.Before(record[1].Start) {
		t.Error("the record is not in order")
	}
	var errs []string
	for _, c := range record {
		if c.Err != nil {
			errs = append(errs, c.Err.Error())
		}
		if length := c.End.Sub(c.Start); length <= 0 || length > 30*time.Second {
			t.Errorf("a call took %s", length)
		}
	}
	if len(errs) < 2 || errs[0] != "status 503" {
		t.Errorf("errors %q; want status 503 first, and a timeout", errs)
	}
	if after := len(client.Record()); after != len(record) {
		t.Errorf("%d calls recorded after Stop; %d before", after, len(record))
	}
}

// What has ended behind a call that has not is recorded only when that has.
func TestRecordIsInOrder(t *testing.T) {
	var call, answered atomic.Int32
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if call.Add(1) == 2 {
			<-release
		}
		_, _ = w.Write([]byte(`{"choices": [{"message": {"content": "Hello from here"}}]}`))
		answered.Add(1)
	}))
	t.Cleanup(server.Close)
	client := Start(t.Context(), Options{URL: server.URL, Interval: 20 * time.Millisecond, Timeout: 30 * time.Second})
	await := func(what string, so func() bool) {
		for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("not within 30 s: %s", what)
			}
		}
	}
	await("ten answers", func() bool { return answered.Load() >= 10 })
	if n := len(client.Record()); n > 5 {
		t.Errorf("%d calls recorded while the second is under way", n)
	}
	close(release)
	await("all recorded", func() bool { return len(client.Record()) >= 10 })
	client.Stop()
}
