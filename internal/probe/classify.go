// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// stallBound is how late a timeout may be noticed. Later than this the operator itself stood still
// (frozen, or starved of CPU), and the answer may have been there in time.
const stallBound = time.Second

const maxDetail = 256

// failure says what err means for an attempt that had until deadline; otherwise is its class if the
// error tells no other.
func failure(ctx context.Context, deadline time.Time, err error, otherwise ErrorClass) Answer {
	class := classify(err, otherwise)
	switch {
	case ended(ctx):
		return Answer{Err: Canceled, Detail: "the operator gave the probe up"}
	case class == Timeout && time.Since(deadline) > stallBound:
		return Answer{Err: Local, Detail: "the operator stood still during the probe"}
	default:
		return Answer{Err: class, Detail: detail(err)}
	}
}

// ended also compares the clock: a dial can notice the deadline of a context before the context does.
func ended(ctx context.Context) bool {
	if ctx.Err() != nil {
		return true
	}
	deadline, ok := ctx.Deadline()
	return ok && !time.Now().Before(deadline)
}

func classify(err error, otherwise ErrorClass) ErrorClass {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return classifyErrno(errno)
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return Timeout
	}
	// crypto/tls wraps an alert that was received, or sent, in an OpError of one of these names.
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "remote error" || op.Op == "local error") {
		return TLS
	}
	for _, closed := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed} {
		if errors.Is(err, closed) {
			return ConnectionReset
		}
	}
	if _, ok := errors.AsType[handshakeError](err); ok {
		return TLS
	}
	return otherwise
}

// handshakeError is what stopped a TLS handshake.
type handshakeError struct{ error }

func (e handshakeError) Unwrap() error { return e.error }

// classifyErrno separates what the network or the target said from what the operator's own kernel lacks.
// An unknown number is Local: it must not count against a region that may never have been asked.
func classifyErrno(errno syscall.Errno) ErrorClass {
	switch errno {
	case syscall.ECONNREFUSED:
		return ConnectionRefused
	case syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE:
		return ConnectionReset
	case syscall.ETIMEDOUT:
		return Timeout
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.EHOSTDOWN, syscall.EPROTO, syscall.EACCES:
		// EACCES is what an ICMPv6 "administratively prohibited" becomes.
		return Unreachable
	default:
		return Local
	}
}

// detail leaves out the outer part of network errors, which names the local port and so differs each time.
func detail(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		err = op.Err
	}
	return cut(err.Error(), maxDetail)
}

// cut returns the first n bytes of s at most, as valid UTF-8, in a string that keeps no longer one alive.
func cut(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.Clone(strings.ToValidUTF8(s, ""))
}
