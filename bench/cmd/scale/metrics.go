// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// series is one line of the Prometheus text format.
type series struct {
	name, labels string
	value        float64
}

// has says whether the series has the label with that value.
func (s series) has(label, value string) bool {
	return strings.Contains(s.labels, label+"="+strconv.Quote(value))
}

func parseMetrics(text string) []series {
	var all []series
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		end := strings.LastIndexByte(line, ' ')
		if end < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		value, err := strconv.ParseFloat(line[end+1:], 64)
		if err != nil {
			continue
		}
		name, labels, _ := strings.Cut(line[:end], "{")
		all = append(all, series{name, labels, value})
	}
	return all
}

// sum adds up the series that are counted.
func sum(all []series, counts func(series) bool) int {
	var total float64
	for _, s := range all {
		if counts(s) {
			total += s.value
		}
	}
	return int(total)
}

// written is what the operator may write.
var written = []string{"llmbackends", "services", "endpointslices", "events"}

// countWrites counts the writes of what the operator writes in the metrics of an API server.
func countWrites(text string) int {
	return sum(parseMetrics(text), func(s series) bool {
		if s.name != "apiserver_request_total" {
			return false
		}
		return slices.ContainsFunc(written, func(resource string) bool { return s.has("resource", resource) }) &&
			slices.ContainsFunc([]string{"POST", "PUT", "PATCH", "APPLY", "DELETE"}, func(verb string) bool { return s.has("verb", verb) })
	})
}

// operatorMetrics are some of the operator's own metrics.
type operatorMetrics struct {
	reconciles int
	heapGoal   int // bytes
}

func (o operator) metrics(ctx context.Context) (operatorMetrics, error) {
	text, err := get(ctx, "http://"+o.metricsAddress()+"/metrics")
	if err != nil {
		return operatorMetrics{}, fmt.Errorf("read the operator's metrics: %w", err)
	}
	all := parseMetrics(string(text))
	named := func(name string) int { return sum(all, func(s series) bool { return s.name == name }) }
	return operatorMetrics{
		reconciles: named("controller_runtime_reconcile_total"),
		heapGoal:   named("go_memstats_next_gc_bytes"),
	}, nil
}

// goroutines returns how many the operator has, by the heading of their profile: that costs it next to nothing, unlike
// its metrics.
func (o operator) goroutines(ctx context.Context) (n int, err error) {
	text, err := get(ctx, "http://"+o.profilesAddress()+"/debug/pprof/goroutine?debug=1")
	if err != nil {
		return 0, fmt.Errorf("count the operator's goroutines: %w", err)
	}
	if _, err := fmt.Sscanf(string(text), "goroutine profile: total %d", &n); err != nil {
		return 0, fmt.Errorf("count the operator's goroutines: %w", err)
	}
	return n, nil
}

func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", url, response.Status)
	}
	return io.ReadAll(response.Body)
}
