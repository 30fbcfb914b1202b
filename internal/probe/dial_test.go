// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"
)

// A dial that nobody answers ends at its deadline, also where the context of the probe never does.
func TestDialEndsAtItsDeadline(t *testing.T) {
	addr := fullBacklog(t)
	for name, ctx := range map[string]context.Context{"cancelable": t.Context(), "endless": context.WithoutCancel(t.Context())} {
		t.Run(name, func(t *testing.T) {
			bounded, cancel := tellDeadline(ctx, time.Now().Add(200*time.Millisecond))
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				conn, err := dialTCP(bounded, addr)
				if err == nil {
					conn.Close()
				}
				ended <- err
			}()
			select {
			case err := <-ended:
				if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("dial: %v, want that its time was over", err)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("the dial goes on")
			}
		})
	}
}

// fullBacklog returns the address of a listener that takes no more connections: the kernel drops what asks for one.
func fullBacklog(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	local := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := errors.Join(syscall.Bind(fd, local), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.AddrPortFrom(netip.AddrFrom4(local.Addr), uint16(name.(*syscall.SockaddrInet4).Port))
	for range 8 {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		conn, err := dialTCP(ctx, addr)
		cancel()
		if err != nil {
			return addr
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatal("the backlog does not fill")
	return addr
}
