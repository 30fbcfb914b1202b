// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package apiproxy

import (
	"net"
	"sync"
)

// listener is one whose connections can be cut.
type listener struct {
	net.Listener

	mu      sync.Mutex
	severed bool
	conns   map[net.Conn]bool
}

// Accept waits for the next connection that is not cut at once.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if tracked := l.track(conn); tracked != nil {
			return tracked, nil
		}
	}
}

func (l *listener) track(conn net.Conn) net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.severed {
		reset(conn)
		return nil
	}
	tracked := &connection{Conn: conn, listener: l}
	l.conns[tracked] = true
	return tracked
}

func (l *listener) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.severed = true
	for conn := range l.conns {
		reset(conn.(*connection).Conn)
	}
	clear(l.conns)
}

func (l *listener) restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.severed = false
}

// reset closes a connection without an orderly end.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		// What can fail is a socket that is closed already.
		_ = tcp.SetLinger(0)
	}
	conn.Close()
}

// connection leaves its listener's list when it is closed.
type connection struct {
	net.Conn
	listener *listener
}

// Close closes the connection.
func (c *connection) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.conns, c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}
