// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// errNotRead means that the first reading has not ended in time.
var errNotRead = errors.New("the API server has not given out the credentials yet")

// Source holds the credentials of one region. It is safe for concurrent use, and is a [probe.Private].
type Source struct {
	store *Store
	of    translate.Credentials

	mu      sync.Mutex
	value   probe.Credentials
	err     error
	checked time.Time     // the end of the newest reading
	pending chan struct{} // closed at the end of the reading under way; nil if there is none
	refused bool          // a server did not take them since then
}

// Credentials returns what is known, and sees to it that this does not get old. Only the first time it waits for
// the API server.
func (s *Source) Credentials(ctx context.Context) (probe.Credentials, error) {
	s.mu.Lock()
	if s.pending == nil && s.due(time.Now()) {
		pending := make(chan struct{})
		if s.store.start(func(ctx context.Context) { s.read(ctx, pending) }) {
			s.pending = pending
		}
	}
	pending := s.pending
	known := !s.checked.IsZero()
	s.mu.Unlock()

	if !known && pending != nil {
		select {
		case <-pending:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checked.IsZero() {
		return probe.Credentials{}, errNotRead
	}
	return s.value, s.err
}

// Refused notes that a server did not take the credentials: they may have been replaced.
func (s *Source) Refused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = true
}

// Problem returns why there are no credentials, in words for people; empty if there are.
func (s *Source) Problem() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		return ""
	}
	return s.err.Error()
}

func (s *Source) due(now time.Time) bool {
	wait := s.store.opts.TTL
	if s.refused || s.err != nil {
		wait = min(wait, s.store.opts.Retry)
	}
	return s.checked.IsZero() || now.Sub(s.checked) >= wait
}

// read reads everything anew. Where the API server does not answer, what was known stays.
func (s *Source) read(ctx context.Context, pending chan struct{}) {
	value, err := read(ctx, s.store.reader, s.of)

	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil || !errors.Is(err, errNoAnswer) || s.checked.IsZero() {
		s.value, s.err = value, err
	}
	s.checked, s.refused = time.Now(), false
	s.pending = nil
	close(pending)
}
