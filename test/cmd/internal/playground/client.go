// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/breakwater-dev/breakwater/test/load"
)

// The client calls ten times a second, and gives up a call after a second.
const (
	callInterval = 100 * time.Millisecond
	callTimeout  = time.Second
)

// clientTimeout bounds the wait for the first answer.
const clientTimeout = 30 * time.Second

// StartClient has a client on the node call the ClusterIP of the Service as soon
// as kube-proxy knows it, and returns its URL.
func (p *Playground) StartClient(ctx context.Context) (string, error) {
	var service corev1.Service
	if err := p.Client.Get(ctx, client.ObjectKey{Namespace: Namespace, Name: Name}, &service); err != nil {
		return "", fmt.Errorf("reading the Service: %w", err)
	}
	options := load.Options{
		URL:      "http://" + service.Spec.ClusterIP,
		Dial:     p.cluster.Node.DialContext,
		Interval: callInterval, Timeout: callTimeout,
	}
	p.Calls = load.Start(ctx, options)
	if _, err := p.AwaitAnswers(ctx, clientTimeout, Regions()[0].Name, 1, time.Time{}); err != nil {
		return "", err
	}
	p.Calls.Stop()
	p.Calls = load.Start(ctx, options)
	return options.URL, nil
}

// AwaitAnswers waits until n calls that started at a time or later were answered
// by a region, and returns all calls since that time.
func (p *Playground) AwaitAnswers(
	ctx context.Context, bound time.Duration, region string, n int, since time.Time,
) (load.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	look := time.NewTicker(callInterval)
	defer look.Stop()
	for {
		calls := p.Calls.Record().Since(since)
		if regions, _ := calls.Answers(); regions[region] >= n {
			return calls, nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("expected: %d answers of %s to the client, but it saw %s: %w", n, region, calls, ctx.Err())
		}
	}
}
