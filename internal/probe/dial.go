// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// dialUntil connects to an address, before the deadline.
type dialUntil func(ctx context.Context, deadline time.Time, addr netip.AddrPort) (net.Conn, error)

// until lets ctx end at the deadline.
func (d Dial) until(ctx context.Context, deadline time.Time, addr netip.AddrPort) (net.Conn, error) {
	bounded, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	return d(bounded, addr)
}

// dialTCP passes by every proxy setting. It sends no keep-alives: a probe is shorter than their interval.
// (Dialer.DialTCP would bind the local port before it knows the remote address, and so could use each
// local port only once.)
func dialTCP(ctx context.Context, deadline time.Time, addr netip.AddrPort) (net.Conn, error) {
	dialer := net.Dialer{KeepAlive: -1}
	return dialer.DialContext(deadlineContext{ctx, deadline}, "tcp", addr.String())
}

// deadlineContext tells a deadline that a dialer sets on its socket, and has no timer of its own for it: a fifth of
// what a probe would allocate.
type deadlineContext struct {
	context.Context

	deadline time.Time
}

// Deadline implements [context.Context].
func (c deadlineContext) Deadline() (time.Time, bool) { return c.deadline, true }
