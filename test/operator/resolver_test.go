// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/breakwater-dev/breakwater/internal/probe"
)

// names is a resolver whose answers a test sets.
type names struct {
	mu      sync.Mutex
	answers map[string][]netip.Addr
	down    bool
	asked   int
	changed chan struct{} // closed and replaced with each question
}

// names has the operators that are started from now on ask a resolver that knows nothing yet.
func (w *world) names() *names {
	n := &names{answers: map[string][]netip.Addr{}, changed: make(chan struct{})}
	w.lookup = n
	return n
}

// set gives a name addresses; none: the name does not exist.
func (n *names) set(host string, addresses ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers[host] = nil
	for _, a := range addresses {
		n.answers[host] = append(n.answers[host], netip.MustParseAddr(a))
	}
}

// fail has the resolver give no answer from now on, or answer again.
func (n *names) fail(down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
}

// Lookup is what the operator calls. It does not say how long its answers hold.
func (n *names) Lookup(_ context.Context, f probe.Family, host string) ([]netip.Addr, time.Duration, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	close(n.changed)
	n.changed = make(chan struct{})
	if n.down {
		return nil, -1, errors.New("no resolver, for a test")
	}
	var found []netip.Addr
	for _, a := range n.answers[host] {
		if probe.FamilyOf(a) == f {
			found = append(found, a)
		}
	}
	if len(found) == 0 {
		return nil, -1, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return found, -1, nil
}

// awaitQuestions waits until the operator has asked n more times.
func (n *names) awaitQuestions(w *world, more int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	until := -1
	for {
		n.mu.Lock()
		asked, changed := n.asked, n.changed
		n.mu.Unlock()
		if until < 0 {
			until = asked + more
		}
		if asked >= until {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			w.t.Fatalf("the operator asked the resolver %d times fewer than %d within %s", until-asked, more, patience)
		}
	}
}
