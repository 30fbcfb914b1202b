// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// dialTCP passes by every proxy setting. It sends no keep-alives: a probe is shorter than their interval.
// (Dialer.DialTCP would bind the local port before it knows the remote address, and so could use each
// local port only once.)
func dialTCP(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	dialer := net.Dialer{KeepAlive: -1}
	return dialer.DialContext(ctx, "tcp", addr.String())
}

// tellDeadline is [context.WithDeadline] for a dialer that sets the deadline on its socket: without a timer of its own,
// which would be a fifth of what a probe allocates. The dialer looks at the deadline of no context that cannot end.
func tellDeadline(ctx context.Context, deadline time.Time) (context.Context, context.CancelFunc) {
	if ctx.Done() == nil {
		return context.WithDeadline(ctx, deadline)
	}
	return deadlineContext{ctx, deadline}, func() {}
}

// deadlineContext tells a deadline and does not end at it.
type deadlineContext struct {
	context.Context

	deadline time.Time
}

// Deadline implements [context.Context].
func (c deadlineContext) Deadline() (time.Time, bool) { return c.deadline, true }
