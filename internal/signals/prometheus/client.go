// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds on queries.
const (
	// MaxQuery is the length of a query, filled in, in bytes.
	MaxQuery = 4 << 10
	// patience bounds a query, for the server too.
	patience = 5 * time.Second
	// maxAnswer and maxHead bound what is read of an answer, in bytes.
	maxAnswer = 64 << 10
	maxHead   = 16 << 10
	// atOnce bounds the queries under way, for all LLMBackends together.
	atOnce = 16
)

// Client asks the servers that are allowed. It is safe for concurrent use.
type Client struct {
	servers []string
	http    *http.Client
	slots   chan struct{}
}

// NewClient returns a Client that asks these servers only; see [ParseServers].
func NewClient(servers []string) *Client {
	return &Client{
		servers: servers,
		slots:   make(chan struct{}, atOnce),
		http: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{ // which, unlike the default one, uses no proxy
				DialContext:            (&net.Dialer{Timeout: patience}).DialContext,
				TLSHandshakeTimeout:    patience,
				ResponseHeaderTimeout:  patience,
				IdleConnTimeout:        time.Minute,
				MaxConnsPerHost:        atOnce,
				MaxIdleConnsPerHost:    2,
				MaxResponseHeaderBytes: maxHead,
				DisableCompression:     true,
			},
		},
	}
}

// ParseServers reads a list of URLs of servers, separated by commas.
func ParseServers(list string) ([]string, error) {
	var servers []string
	for text := range strings.SplitSeq(list, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("%q is not the URL of a server: write it as in http://prometheus.monitoring.svc:9090", text)
		}
		servers = append(servers, normal(text))
	}
	return servers, nil
}

func normal(server string) string { return strings.TrimRight(server, "/") }

// Allows says whether a server may be asked.
func (c *Client) Allows(server string) bool { return slices.Contains(c.servers, normal(server)) }

// Close gives up the connections that are kept.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// value asks for one number. Series that have had no sample for a window are gone.
func (c *Client) value(ctx context.Context, server, query string, window time.Duration) (float64, Problem) {
	if len(query) > MaxQuery {
		return 0, Refused
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return 0, Unreachable
	}
	form := url.Values{
		"query": {query}, "timeout": {patience.String()},
		"lookback_delta": {strconv.FormatFloat(window.Seconds(), 'f', -1, 64)},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, normal(server)+"/api/v1/query", strings.NewReader(form.Encode()))
	if err != nil {
		return 0, Refused
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("User-Agent", "breakwater")
	response, err := c.http.Do(request)
	if err != nil {
		return 0, Unreachable
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return 0, Refused
	default:
		return 0, Unreachable
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return 0, Unreachable
	}
	return parse(body)
}

// parse reads the answer to an instant query, which must be one number.
func parse(body []byte) (float64, Problem) {
	var answer struct {
		Status   string
		Warnings []string
		Data     struct {
			ResultType string
			Result     json.RawMessage
		}
	}
	if len(body) > maxAnswer {
		return 0, Ambiguous
	}
	if json.Unmarshal(body, &answer) != nil || answer.Status != "success" {
		return 0, Unreachable // that is no Prometheus
	}
	if len(answer.Warnings) > 0 {
		return 0, Ambiguous // part of the data may be missing
	}
	switch answer.Data.ResultType {
	case "scalar":
		value, err := number(answer.Data.Result)
		if err != nil {
			return 0, Ambiguous
		}
		return value, ""
	case "vector":
	default:
		return 0, Ambiguous
	}
	var series []struct{ Value json.RawMessage }
	if json.Unmarshal(answer.Data.Result, &series) != nil {
		return 0, Ambiguous
	}
	switch len(series) {
	case 0:
		return 0, NoData
	case 1:
	default:
		return 0, Ambiguous
	}
	value, err := number(series[0].Value)
	if err != nil {
		return 0, Ambiguous
	}
	return value, ""
}

// number reads a sample: [<time>, "<number>"].
func number(sample json.RawMessage) (float64, error) {
	var pair []any
	if err := json.Unmarshal(sample, &pair); err != nil {
		return 0, err
	}
	if len(pair) != 2 {
		return 0, errors.New("not a time and a number")
	}
	text, ok := pair[1].(string)
	if !ok {
		return 0, errors.New("not a number")
	}
	return strconv.ParseFloat(text, 64)
}
