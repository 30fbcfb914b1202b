// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/prometheus/blackbox_exporter/config"
	blackbox "github.com/prometheus/blackbox_exporter/prober"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
)

// probeHandler is the exporter's /probe.
func probeHandler() http.HandlerFunc {
	c := &config.Config{Modules: map[string]config.Module{"http_2xx": module()}}
	logger := slog.New(slog.DiscardHandler)
	history := &blackbox.ResultHistory{MaxResults: 100}
	unknown := prometheus.NewCounter(prometheus.CounterOpts{Name: "unknown"})
	logs := &promslog.Config{Writer: io.Discard}
	return func(w http.ResponseWriter, r *http.Request) {
		blackbox.Handler(w, r, c, logger, history, 0, r.URL.Query(), unknown, logs)
	}
}

func probeQuery(server netip.AddrPort, path string) string {
	return "/probe?" + url.Values{"target": {"http://" + server.String() + path}, "module": {"http_2xx"}}.Encode()
}

// serveExporter serves /probe until in ends, and writes its address to out first.
func serveExporter(ctx context.Context, in io.Reader, out io.Writer) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: probeHandler(), ReadHeaderTimeout: timeout}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if _, err := fmt.Fprintln(out, listener.Addr()); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	_ = server.Close()
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		return ended
	}
	return err
}

// startChild starts this program once more in another role, as a process that ends with this one, and returns the
// line that it prints first.
func startChild(ctx context.Context, role string) (line string, pid int, stop func(), err error) {
	program, err := os.Executable()
	if err != nil {
		return "", 0, nil, err
	}
	cmd := exec.CommandContext(ctx, program, role)
	cmd.Stderr = os.Stderr
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		return "", 0, nil, err
	}
	stop = func() {
		_ = in.Close()
		_ = cmd.Wait()
	}
	line, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", 0, nil, fmt.Errorf("%s has not started: %w", role, err)
	}
	return strings.TrimSpace(line), cmd.Process.Pid, stop, nil
}

// measureExporter prints one line about the exporter as Prometheus uses it: a process of its own that is scraped at
// /probe, with connections that are kept. What the scrapes cost this process does not count.
func measureExporter(ctx context.Context, o options, servers []netip.AddrPort) error {
	address, pid, stop, err := startChild(ctx, "-exporter")
	if err != nil {
		return err
	}
	defer stop()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: o.concurrency}}
	defer client.CloseIdleConnections()
	scrape := round(func(ctx context.Context, server netip.AddrPort, path string) bool {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+probeQuery(server, path), nil)
		if err != nil {
			return false
		}
		response, err := client.Do(request)
		if err != nil {
			return false
		}
		defer func() { _ = response.Body.Close() }()
		metrics, err := io.ReadAll(response.Body)
		return err == nil && bytes.Contains(metrics, []byte("\nprobe_success 1\n"))
	}, servers)
	if _, failed := many(ctx, scrape, o.concurrency, warmUp); failed > 0 {
		return fmt.Errorf("%d scrapes have failed", failed)
	}
	before, errBefore := cpuTimeOf(pid)
	began := time.Now()
	latencies, failed := many(ctx, scrape, o.concurrency, o.duration)
	elapsed := time.Since(began)
	after, errAfter := cpuTimeOf(pid)
	if err := errors.Join(ctx.Err(), errBefore, errAfter); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d scrapes have failed", failed, len(latencies))
	}
	printTimes(o, latencies, elapsed, after-before)
	fmt.Println()
	return nil
}
