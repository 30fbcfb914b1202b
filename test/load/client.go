// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package load is a client that calls a model at a steady rate, whatever comes
// back, and the record of what it saw.
package load

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options say what a Client calls and how.
type Options struct {
	// URL is where the model is, without a path, such as http://10.96.0.20.
	URL string
	// Host is sent as Host, and as TLS server name. The default is that of URL.
	Host string
	// TLS is for https.
	TLS *tls.Config
	// Dial connects; the default is as usual.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Interval is the time between the starts of two calls, at least 1 ms. A
	// call never waits for the one before.
	Interval time.Duration
	// Timeout bounds each call.
	Timeout time.Duration
}

// Client calls for a completion, each time on a connection of its own.
type Client struct {
	options Options
	http    *http.Client
	stop    context.CancelFunc
	calling sync.WaitGroup

	mu       sync.Mutex
	calls    []Call
	underway map[int]time.Time // starts of calls that have not ended
	number   int               // of the newest call
}

// Start starts to call, until ctx ends or Stop is called.
func Start(ctx context.Context, o Options) *Client {
	ctx, stop := context.WithCancel(ctx)
	c := &Client{options: o, stop: stop, underway: map[int]time.Time{}, http: &http.Client{
		Timeout: o.Timeout,
		Transport: &http.Transport{
			DialContext: o.Dial, TLSClientConfig: o.TLS, DisableKeepAlives: true,
		},
	}}
	c.calling.Go(func() { c.run(ctx) })
	return c
}

// Stop ends the calls, those under way included, which are not recorded, and
// returns the record.
func (c *Client) Stop() Record {
	c.stop()
	c.calling.Wait()
	return c.Record()
}

// Record returns the calls so far, in the order of their starts, up to the first
// that has not ended: whatever ends later comes behind them.
func (c *Client) Record() Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	record := slices.Clone(Record(c.calls))
	slices.SortFunc(record, func(a, b Call) int { return a.Start.Compare(b.Start) })
	for _, start := range c.underway {
		i, _ := slices.BinarySearchFunc(record, start, func(c Call, t time.Time) int { return c.Start.Compare(t) })
		record = record[:i]
	}
	return record
}

func (c *Client) run(ctx context.Context) {
	ticker := time.NewTicker(c.options.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.calling.Go(func() { c.call(ctx) })
		}
	}
}

// call makes one call and records it, unless it was ended by Stop.
func (c *Client) call(ctx context.Context) {
	number, start := c.begin()
	region, err := Complete(ctx, c.http, c.options.URL, c.options.Host)
	end := time.Now()

	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.underway, number)
	if ctx.Err() == nil {
		c.calls = append(c.calls, Call{Start: start, End: end, Region: region, Err: err})
	}
}

func (c *Client) begin() (number int, start time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number++
	start = time.Now()
	c.underway[c.number] = start
	return c.number, start
}

// Complete asks once for a completion, and returns the name of the region that
// answered. The host may be empty.
func Complete(ctx context.Context, client *http.Client, url, host string) (string, error) {
	const body = `{"model": "demo", "messages": [{"role": "user", "content": "Hi"}]}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Host = host
	response, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d", response.StatusCode)
	}
	var completion struct {
		Choices []struct {
			Message struct {
				Content string `json:"content"`
			} `json:"message"`
		} `json:"choices"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&completion); err != nil {
		return "", err
	}
	if len(completion.Choices) == 1 {
		if region, ok := strings.CutPrefix(completion.Choices[0].Message.Content, "Hello from "); ok {
			return region, nil
		}
	}
	return "", fmt.Errorf("an answer that names no region: %+v", completion)
}
