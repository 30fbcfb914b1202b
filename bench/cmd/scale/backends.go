// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/manifest"
)

const (
	primaryRegion   = "us-east"
	secondaryRegion = "eu-west"
)

// backend is the number of an LLMBackend, from 0.
type backend int

func (b backend) name() string { return fmt.Sprintf("llm-%05d", b) }

// parseName returns the number of the LLMBackend of that name, or of one of its slices.
func parseName(name string) (backend, bool) {
	digits, _, _ := strings.Cut(strings.TrimPrefix(name, "llm-"), "-")
	n, err := strconv.Atoi(digits)
	return backend(n), err == nil && strings.HasPrefix(name, "llm-")
}

// address is that of its region in a network.
func (b backend) address(network netip.Prefix) netip.Addr {
	a := network.Addr().As4()
	a[2], a[3] = byte(b>>8), byte(b)
	return netip.AddrFrom4(a)
}

// numberOf is the inverse of address.
func numberOf(addr netip.Addr) backend {
	a := addr.As4()
	return backend(a[2])<<8 | backend(a[3])
}

// shardNamespace is where the LLMBackends of a shard are.
func shardNamespace(shard int) string { return fmt.Sprintf("bench-%d", shard) }

// object is what is created. One failed probe opens a breaker, and neither trials nor failbacks follow, so
// that each failover is measured alone. Probes may wait as long as a period, for massFailover.
func (b backend) object(namespace string) *llmv1alpha1.LLMBackend {
	region := func(name string, network netip.Prefix) llmv1alpha1.Region {
		url := "http://" + netip.AddrPortFrom(b.address(network), regionPort).String()
		return llmv1alpha1.Region{Name: name, Endpoint: llmv1alpha1.Endpoint{URL: url}}
	}
	return &llmv1alpha1.LLMBackend{
		TypeMeta:   metav1.TypeMeta{APIVersion: llmv1alpha1.GroupVersion.String(), Kind: "LLMBackend"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: b.name()},
		Spec: llmv1alpha1.LLMBackendSpec{
			Primary:     region(primaryRegion, primaryNetwork),
			Secondaries: []llmv1alpha1.Region{region(secondaryRegion, secondaryNetwork)},
			Probe:       llmv1alpha1.ProbeSpec{Period: "10s", Timeout: "10s"},
			Breaker:     llmv1alpha1.BreakerSpec{FailureThreshold: 1, OpenDuration: "24h"},
			Failover:    llmv1alpha1.FailoverSpec{Failback: llmv1alpha1.FailbackManual},
		},
	}
}

// createBackends creates all LLMBackends while no operator runs, and begins to watch.
// They are written with their defaults, because a simulated API server applies none.
func createBackends(ctx context.Context, w *world, _ *report) error {
	schema, err := manifest.Load()
	if err != nil {
		return err
	}
	if err := w.each(ctx, func(ctx context.Context, b backend) error {
		whole, err := withDefaults(schema, b.object(shardNamespace(int(b)%w.shards)))
		if err != nil {
			return err
		}
		return w.client.Create(ctx, whole)
	}); err != nil {
		return err
	}
	w.watcher, err = watch(ctx, w.client, w.backends)
	return err
}

func withDefaults(schema *manifest.Schema, b *llmv1alpha1.LLMBackend) (*llmv1alpha1.LLMBackend, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	written, err := manifest.Parse(text)
	if err != nil {
		return nil, err
	}
	whole, err := schema.Create(written)
	if err != nil {
		return nil, err
	}
	return whole.LLMBackend()
}

// each does something with every LLMBackend, as many at a time as the operator would.
func (w *world) each(ctx context.Context, do func(context.Context, backend) error) error {
	group, failed := errgroup.WithContext(ctx)
	group.SetLimit(w.concurrency)
	var done atomic.Int64
	stop := w.countProgress(func() int { return int(done.Load()) })
	defer stop()
	for b := range backend(w.backends) {
		if failed.Err() != nil {
			break
		}
		group.Go(func() error {
			defer done.Add(1)
			return do(failed, b)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}
