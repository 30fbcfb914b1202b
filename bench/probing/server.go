// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
)

const answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

// The paths that are asked. What is held gets no answer for as long as the client stays.
const (
	healthPath = "/health"
	holdPath   = "/hold"
)

// listeners is how many ports the server listens on.
const listeners = 64

// serve answers until in ends, and writes its addresses to out first. It answers as little as HTTP allows.
func serve(in io.Reader, out io.Writer) error {
	address, err := hostAddress()
	if err != nil {
		return err
	}
	var all []net.Listener
	var addresses []string
	for range listeners {
		listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(address, 0)))
		if err != nil {
			return err
		}
		defer func() { _ = listener.Close() }()
		all = append(all, listener)
		addresses = append(addresses, listener.Addr().String())
	}
	for _, listener := range all {
		go accept(listener)
	}
	if _, err := fmt.Fprintln(out, strings.Join(addresses, ",")); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

func accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			go reply(conn)
		}
	}
}

func reply(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	var request [2048]byte
	n, err := conn.Read(request[:])
	if err != nil {
		return
	}
	if bytes.HasPrefix(request[:n], []byte("GET "+holdPath+" ")) {
		_, _ = conn.Read(request[:]) // returns when the client hangs up
		return
	}
	_, _ = io.WriteString(conn, answer)
}

// hostAddress returns an address of this host that is no loopback address: those Breakwater refuses to probe.
func hostAddress() (netip.Addr, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Addr{}, err
	}
	for _, a := range addresses {
		prefix, err := netip.ParsePrefix(a.String())
		if addr := prefix.Addr(); err == nil && addr.Is4() && addr.IsGlobalUnicast() {
			return addr, nil
		}
	}
	return netip.Addr{}, errors.New("this host has no IPv4 address beside loopback ones, which Breakwater refuses to probe")
}
