// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

func TestClassify(t *testing.T) {
	call := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
	}
	for _, tc := range []struct {
		err  error
		want ErrorClass
	}{
		{call(syscall.ECONNREFUSED), ConnectionRefused},
		{call(syscall.ECONNRESET), ConnectionReset},
		{call(syscall.EPIPE), ConnectionReset},
		{call(syscall.ETIMEDOUT), Timeout},
		{call(syscall.ENETUNREACH), Unreachable},
		{call(syscall.EHOSTUNREACH), Unreachable},
		{call(syscall.EACCES), Unreachable},
		{call(syscall.EMFILE), Local},
		{call(syscall.ENFILE), Local},
		{call(syscall.ENOBUFS), Local},
		{call(syscall.ENOMEM), Local},
		{call(syscall.EADDRNOTAVAIL), Local},
		{call(syscall.EAGAIN), Local},
		{call(syscall.EPERM), Local},
		{call(syscall.EAFNOSUPPORT), Local},
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, Timeout},
		{context.DeadlineExceeded, Timeout},
		{io.ErrUnexpectedEOF, ConnectionReset},
		{io.EOF, ConnectionReset},
		{handshakeError{io.EOF}, ConnectionReset},
		{handshakeError{os.ErrDeadlineExceeded}, Timeout},
		{handshakeError{call(syscall.ECONNRESET)}, ConnectionReset},
		{handshakeError{tls.RecordHeaderError{}}, TLS},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: certificate required")}, TLS},
		{errors.New("some words"), MalformedResponse},
	} {
		if got := classify(fmt.Errorf("wrapped: %w", tc.err), MalformedResponse); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.err, got, tc.want)
		}
	}
}

// lateContext has passed its deadline and does not know it yet.
type lateContext struct{ context.Context }

func (lateContext) Deadline() (time.Time, bool) { return time.Now(), true }

func TestCallersDeadlineIsNoTimeout(t *testing.T) {
	ctx := lateContext{t.Context()}
	if got := failure(ctx, time.Now().Add(time.Hour), os.ErrDeadlineExceeded, Local); got.Err != Canceled {
		t.Errorf("%+v, want Canceled", got)
	}
}

func TestInconclusive(t *testing.T) {
	for class, want := range map[ErrorClass]bool{
		ResolverUnavailable: true, Canceled: true, Local: true,
		None: false, Timeout: false, NameNotFound: false, AddressFamily: false, Forbidden: false,
	} {
		if got := class.Inconclusive(); got != want {
			t.Errorf("%q: %t", class, got)
		}
	}
}

func TestDetail(t *testing.T) {
	refused := &net.OpError{
		Op: "read", Net: "tcp", Source: &net.TCPAddr{Port: 43210}, Addr: &net.TCPAddr{Port: 80},
		Err: os.NewSyscallError("read", syscall.ECONNRESET),
	}
	if got, want := detail(refused), "read: connection reset by peer"; got != want {
		t.Errorf("detail %q, want %q", got, want)
	}
	long := detail(errors.New(strings.Repeat("ü", 1000)))
	if len(long) > maxDetail || !utf8.ValidString(long) {
		t.Errorf("%d bytes: %q", len(long), long)
	}
}
