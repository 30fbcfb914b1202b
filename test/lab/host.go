// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Host is a machine of the lab: a network namespace of its own on the Network
// that joined it. All methods may be called concurrently.
type Host struct {
	name      string
	namespace *os.File
}

// newHost makes a network namespace that holds nothing yet.
func newHost(name string) (*Host, error) {
	runtime.LockOSThread()
	home, err := currentNamespace()
	if err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	defer func() { _ = home.Close() }()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("making a network namespace for %s: %w", name, err)
	}
	namespace, err := currentNamespace()
	if err := errors.Join(err, goHome(home)); err != nil {
		return nil, err
	}
	return &Host{name: name, namespace: namespace}, nil
}

// currentNamespace opens the network namespace of the calling thread.
func currentNamespace() (*os.File, error) {
	return os.Open("/proc/thread-self/ns/net")
}

// goHome ends the visit of a locked thread. If it cannot, the thread stays
// locked and so ends with its goroutine, instead of running another one here.
func goHome(home *os.File) error {
	if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("leaving a network namespace: %w", err)
	}
	runtime.UnlockOSThread()
	return nil
}

// do calls f with the calling thread in the host's network: sockets that f
// makes, and processes that it starts, are the host's. Goroutines that f starts
// are not there.
func (h *Host) do(f func() error) error {
	runtime.LockOSThread()
	home, err := currentNamespace()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer func() { _ = home.Close() }()
	if err := unix.Setns(int(h.namespace.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("entering the network namespace of %s: %w", h.name, err)
	}
	return errors.Join(f(), goHome(home))
}

// StartProcess is the function of that name, on the host.
func (h *Host) StartProcess(name, log, path string, args ...string) (p *Process, err error) {
	err = h.do(func() error {
		p, err = StartProcess(name, log, path, args...)
		return err
	})
	return p, err
}

// Start starts a command on the host.
func (h *Host) Start(cmd *exec.Cmd) error { return h.do(cmd.Start) }

// NewRegion is the function of that name, on the host.
func (h *Host) NewRegion(addr string, opts ...RegionOption) (*Region, error) {
	return NewRegion(addr, append(opts, func(r *Region) { r.do = h.do })...)
}

// DialContext connects from the host to an IP address and port, for
// http.Transport. It resolves no names.
func (h *Host) DialContext(ctx context.Context, network, address string) (conn net.Conn, err error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if net.ParseIP(host) == nil {
		return nil, fmt.Errorf("dialling %s from %s: use an IP address and a port", address, h.name)
	}
	err = h.do(func() error {
		conn, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Nft has nft read a ruleset for the host's network, as "nft -f" does.
func (h *Host) Nft(ctx context.Context, ruleset string) error {
	return h.do(func() error { return nft(ctx, ruleset) })
}

// nft has nft read a ruleset for the network of the calling thread.
func nft(ctx context.Context, ruleset string) error {
	cmd := exec.CommandContext(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(ruleset)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return nil
}
