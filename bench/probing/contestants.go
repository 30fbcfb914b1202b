// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"time"

	"github.com/prometheus/blackbox_exporter/config"
	blackbox "github.com/prometheus/blackbox_exporter/prober"
	"github.com/prometheus/client_golang/prometheus"
	kubeprobe "k8s.io/kubernetes/pkg/probe"
	kubehttp "k8s.io/kubernetes/pkg/probe/http"

	"github.com/breakwater-dev/breakwater/internal/probe"
)

// timeout is long enough for probes that are held while memory is measured.
const timeout = time.Minute

// ask makes one probe of a server and says whether the answer was a success.
type ask func(ctx context.Context, server netip.AddrPort, path string) bool

type contestant struct {
	name string
	make func() ask // nil if it is measured as a process apart
}

func contestants() []contestant {
	return []contestant{
		{"breakwater", breakwater},
		{"kubernetes", kubernetes},
		{"blackbox_exporter-prober", blackboxProber},
		{"blackbox_exporter", blackboxExporter},
		{"socket", socket},
		{"blackbox_exporter-scraped", nil}, // see measureExporter
	}
}

func breakwater() ask {
	prober := probe.New(nil, probe.Options{})
	return func(ctx context.Context, server netip.AddrPort, path string) bool {
		target := probe.Target{
			Scheme: "http", Host: server.Addr().String(), Port: server.Port(), Type: probe.HTTP,
			Path: path, Hostname: "chat.apps.svc", Timeout: timeout,
		}
		return prober.Probe(ctx, target).Healthy(func(a probe.Answer) bool { return a.Err == probe.None && a.Status == http.StatusOK })
	}
}

// kubernetes is what the kubelet asks with. It has one transport for all probes and a client for each.
func kubernetes() ask {
	prober := kubehttp.New(false)
	return func(ctx context.Context, server netip.AddrPort, path string) bool {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+server.String()+path, nil)
		if err != nil {
			return false
		}
		result, _, err := prober.Probe(request, timeout)
		return err == nil && result == kubeprobe.Success
	}
}

func module() config.Module {
	m := config.DefaultModule
	m.Prober, m.Timeout = "http", timeout
	return m
}

// blackboxProber calls the prober alone, and throws away the metrics that it makes.
func blackboxProber() ask {
	m, logger := module(), slog.New(slog.DiscardHandler)
	return func(ctx context.Context, server netip.AddrPort, path string) bool {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		return blackbox.ProbeHTTP(ctx, "http://"+server.String()+path, m, prometheus.NewRegistry(), logger)
	}
}

// blackboxExporter does what the exporter does for one scrape of /probe, without the connection of the scrape.
func blackboxExporter() ask {
	handler := probeHandler()
	return func(ctx context.Context, server netip.AddrPort, path string) bool {
		recorder := httptest.NewRecorder()
		handler(recorder, httptest.NewRequestWithContext(ctx, http.MethodGet, probeQuery(server, path), nil))
		return recorder.Code == http.StatusOK
	}
}

// socket is no prober, and safe against nothing: it connects, writes, reads and closes, as the least that a
// probe can cost.
func socket() ask {
	return func(ctx context.Context, server netip.AddrPort, path string) bool {
		conn, err := (&net.Dialer{Timeout: timeout}).DialContext(ctx, "tcp", server.String())
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close() }()
		defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: chat.apps.svc\r\nConnection: close\r\n\r\n", path); err != nil {
			return false
		}
		var buffer [1024]byte
		n, err := conn.Read(buffer[:])
		return err == nil && string(buffer[:min(n, 15)]) == "HTTP/1.1 200 OK"
	}
}
