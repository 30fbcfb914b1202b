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
	if _, err := p.AwaitAnswer(ctx, clientTimeout, Regions()[0].Name, time.Time{}); err != nil {
		return "", err
	}
	p.Calls.Stop()
	p.Calls = load.Start(ctx, options)
	return options.URL, nil
}

// AwaitAnswer waits until a call that started at a time or later was answered by
// a region, and returns all calls since that time.
func (p *Playground) AwaitAnswer(ctx context.Context, bound time.Duration, region string, since time.Time) (load.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	look := time.NewTicker(callInterval)
	defer look.Stop()
	for {
		calls := p.Calls.Record().Since(since)
		if regions, _ := calls.Answers(); regions[region] > 0 {
			return calls, nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("expected: an answer of %s to the client, but it saw %s: %w", region, calls, ctx.Err())
		}
	}
}
