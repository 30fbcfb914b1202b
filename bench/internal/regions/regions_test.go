// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package regions_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/breakwater-dev/breakwater/bench/internal/regions"
)

// Loopback addresses stand for regions: 127.1.0.0/16 are primaries, 127.2.0.0/16 secondaries.
var primaries = netip.MustParsePrefix("127.1.0.0/16")

func listen(t *testing.T) *regions.Server {
	t.Helper()
	s, err := regions.Listen("0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func get(t *testing.T, s *regions.Server, host string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	url := "http://" + net.JoinHostPort(host, strconv.Itoa(int(s.Port()))) + "/health"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode
}

func TestEachAddressIsARegion(t *testing.T) {
	s := listen(t)
	failed := make(chan netip.Addr)
	go func() {
		addr, err := s.FailNext(t.Context(), primaries)
		if err != nil {
			t.Error(err)
		}
		failed <- addr
	}()
	for get(t, s, "127.1.0.1") != http.StatusServiceUnavailable {
		if t.Failed() {
			return
		}
	}
	if got, want := <-failed, netip.MustParseAddr("127.1.0.1"); got != want {
		t.Errorf("FailNext returned %s, want %s", got, want)
	}
	for host, want := range map[string]int{"127.1.0.1": 503, "127.1.0.2": 200, "127.2.0.1": 200} {
		if got := get(t, s, host); got != want {
			t.Errorf("%s answered %d, want %d", host, got, want)
		}
	}
	if _, n := s.Probes(); n != 3 {
		t.Errorf("%d regions were probed, want 3", n)
	}
}

func TestHeldProbesFailTogether(t *testing.T) {
	s := listen(t)
	get(t, s, "127.1.0.1")
	s.Hold(primaries)
	answered := make(chan int)
	go func() { answered <- get(t, s, "127.1.0.1") }()
	if got := get(t, s, "127.2.0.1"); got != 200 {
		t.Errorf("the secondary answered %d, want 200", got)
	}
	select {
	case got := <-answered:
		t.Fatalf("a held probe was answered with %d", got)
	default:
	}
	s.Fail(primaries)
	if got := <-answered; got != 503 {
		t.Errorf("the held probe was answered with %d, want 503", got)
	}
}

func TestIntervals(t *testing.T) {
	s := listen(t)
	get(t, s, "127.1.0.1")
	ctx, cancel := context.WithCancel(t.Context())
	measured := make(chan []time.Duration)
	go func() { measured <- s.Measure(ctx) }()
	began := time.Now()
	for probes := 0; probes < 3; probes, _ = s.Probes() {
		get(t, s, "127.1.0.1")
	}
	cancel()
	intervals := <-measured
	for _, d := range intervals {
		if d <= 0 || d > time.Since(began)+time.Minute {
			t.Errorf("an interval of %s", d)
		}
	}
	if len(intervals) > 2 {
		t.Errorf("%d intervals of 3 probes", len(intervals))
	}
}
