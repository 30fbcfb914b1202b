// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// benchmarkServer answers as small as HTTP can be, so that what is measured is the prober.
func benchmarkServer(b *testing.B) net.Addr {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { listener.Close() })
	go func() {
		request := make([]byte, 4096)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if n, err := conn.Read(request); err == nil && n > 0 {
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
			}
			conn.Close()
		}
	}()
	return listener.Addr()
}

func BenchmarkProbeHTTP(b *testing.B) {
	prober := openGuard(New(nil, Options{}))
	target := loopback(benchmarkServer(b), nil)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if r := prober.Probe(ctx, target); r.Addresses[0].Status != 200 {
			b.Fatalf("%+v", r)
		}
	}
}

// BenchmarkHTTPClient does the same the usual way: a client and a transport for each probe, as a prober
// does that keeps nothing between probes.
func BenchmarkHTTPClient(b *testing.B) {
	url := "http://" + benchmarkServer(b).String() + "/health"
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := get(ctx, url); err != nil {
			b.Fatal(err)
		}
	}
}

func get(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}
