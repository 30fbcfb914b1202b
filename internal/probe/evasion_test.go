// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// forbidden listens on loopback, where no probe may go.
type forbidden struct{ net.Listener }

func listenForbidden(t *testing.T) forbidden {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return forbidden{listener}
}

func (f forbidden) port() uint16 { return f.Addr().(*net.TCPAddr).AddrPort().Port() }

// wantNoConnection proves it by a connection that is made afterwards: it must be the first one that the listener sees.
func (f forbidden) wantNoConnection(t *testing.T) {
	t.Helper()
	marker, err := net.Dial("tcp", f.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer marker.Close()
	first, err := f.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if first.RemoteAddr().String() != marker.LocalAddr().String() {
		t.Error("a forbidden address was connected to")
	}
}

// Whatever a host is called, what counts is the address that would be connected to.
func TestNoSpellingLeadsToAForbiddenAddress(t *testing.T) {
	listener := listenForbidden(t)
	// What some resolvers make of the spellings that are no address to this program.
	resolver := NewResolver(lookupFunc(func(Family, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}), 0)
	defer resolver.Close()
	prober := New(resolver, Options{})
	for _, host := range []string{
		"127.0.0.1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "0.0.0.0", "::", "::1",
		"127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.",
		"localhost", "rebound.example", "１２７.0.0.1",
	} {
		for _, kind := range []Type{HTTP, TCP, GRPC, OpenAIModels, OpenAICompletion} {
			result := prober.Probe(t.Context(), target(func(t *Target) {
				t.Host, t.Port, t.Type, t.Model, t.Families = host, listener.port(), kind, "gpt", nil
			}))
			if len(result.Addresses) == 0 {
				t.Errorf("%s %s: %+v, want an address that is refused", kind, host, result)
			}
			for _, a := range result.Addresses {
				if a.Err != Forbidden || a.Detail == "" {
					t.Errorf("%s %s: %+v, want Forbidden with a reason", kind, host, a)
				}
			}
		}
	}
	listener.wantNoConnection(t)
}

// A name that has been good is looked at again at each dial.
func TestReboundNameIsNotDialled(t *testing.T) {
	listener := listenForbidden(t)
	good, bad := netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("127.0.0.1")
	var rebound atomic.Bool
	resolver := NewResolver(lookupFunc(func(Family, string) ([]netip.Addr, error) {
		if rebound.Load() {
			return []netip.Addr{bad}, nil
		}
		return []netip.Addr{good}, nil
	}), time.Nanosecond)
	defer resolver.Close()
	dials := 0
	prober := New(resolver, Options{Dial: func(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
		dials++
		if addr.Addr() == good {
			return nil, syscall.ECONNREFUSED
		}
		return dialTCP(ctx, addr)
	}})
	ask := func() ErrorClass {
		return only(t, prober.Probe(t.Context(), target(func(t *Target) {
			t.Host, t.Port, t.Families = "rebinding.example", listener.port(), []Family{IPv4}
		}))).Err
	}
	if class := ask(); class != ConnectionRefused {
		t.Errorf("at first: %s, want ConnectionRefused", class)
	}
	rebound.Store(true)
	for deadline := time.Now().Add(5 * time.Second); ask() != Forbidden; {
		if time.Now().After(deadline) {
			t.Fatal("the name is never found to be rebound")
		}
	}
	before := dials
	if class := ask(); class != Forbidden || dials > before {
		t.Errorf("rebound: %s after %d dials, want Forbidden after none", class, dials-before)
	}
	listener.wantNoConnection(t)
}
