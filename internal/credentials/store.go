// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package credentials reads what probes send and trust from Secrets and ConfigMaps.
//
// Nothing is watched or listed: the right to list Secrets is the right to read them all, and a cache of them
// would hold what no probe needs. Each object that a probe uses is got by its name, again every few minutes, and
// soon after a server has refused what it held.
package credentials

import (
	"context"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/breakwater-dev/breakwater/internal/translate"
)

// +kubebuilder:rbac:groups="",resources=secrets;configmaps,verbs=get

// The times and bounds of a [Store].
const (
	// DefaultTTL is how long credentials are used before they are read again.
	DefaultTTL = 5 * time.Minute
	// DefaultRetry is how long after a reading they are read again if they were refused or not to be had.
	DefaultRetry = 10 * time.Second

	readTimeout = 10 * time.Second
	maxReads    = 16 // readings under way
)

// Options of a [Store]. Zero means the default.
type Options struct{ TTL, Retry time.Duration }

// Store reads credentials. It is safe for concurrent use.
type Store struct {
	reader client.Reader
	opts   Options
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	slots  chan struct{}

	mu     sync.Mutex
	closed bool
	reads  sync.WaitGroup
}

// NewStore returns a Store that reads past any cache. Close ends it.
func NewStore(live client.Reader, opts Options) *Store {
	if opts.TTL == 0 {
		opts.TTL = DefaultTTL
	}
	if opts.Retry == 0 {
		opts.Retry = DefaultRetry
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Store{reader: live, opts: opts, ctx: ctx, cancel: cancel, slots: make(chan struct{}, maxReads)}
}

// Close ends the readings under way and waits for them.
func (s *Store) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.reads.Wait()
}

// Source returns the source of one region's credentials; nil if it has none. It reads nothing before it is asked.
func (s *Store) Source(of translate.Credentials) *Source {
	if of.Secret == "" && of.CA == "" && of.ClientCertificate == "" {
		return nil
	}
	return &Source{store: s, of: of}
}

// start runs a reading unless the Store is closed.
func (s *Store) start(read func(context.Context)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.reads.Go(func() {
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		case <-s.ctx.Done():
		}
		ctx, cancel := context.WithTimeout(s.ctx, readTimeout)
		defer cancel()
		read(ctx)
	})
	return true
}
