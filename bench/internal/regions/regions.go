// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package regions serves any number of regions from one listener: each local IPv4 address that a probe
// comes to is a region of its own. It answers as little as HTTP allows, so that it costs little beside
// the operator that is measured, and it notes when probes come.
package regions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	healthy = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
	failing = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)

// requestTimeout bounds how long a connection may take to send its request.
const requestTimeout = 10 * time.Second

// Server is the regions. Its methods may be called concurrently.
type Server struct {
	listener net.Listener
	done     sync.WaitGroup

	mu        sync.Mutex
	regions   map[netip.Addr]*region
	probes    int // answered since the start
	next      *pending
	holding   netip.Prefix
	released  chan struct{} // closed when what is held is answered
	measuring bool
	intervals []time.Duration // between the probes of a region, while measuring
}

type region struct {
	probes int
	last   time.Time
	fails  bool
}

// pending waits for the next probe of a healthy region in a prefix.
type pending struct {
	in   netip.Prefix
	addr chan netip.Addr
}

// Listen serves on an address such as "0.0.0.0:8000". The caller closes the server.
func Listen(address string) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp4", address)
	if err != nil {
		return nil, fmt.Errorf("serve regions: %w", err)
	}
	s := &Server{listener: listener, regions: map[netip.Addr]*region{}, released: make(chan struct{})}
	s.done.Go(s.accept)
	return s, nil
}

// Port is the one that it listens on.
func (s *Server) Port() uint16 {
	return netip.MustParseAddrPort(s.listener.Addr().String()).Port()
}

// Close ends the server and waits for its connections.
func (s *Server) Close() error {
	s.Release()
	err := s.listener.Close()
	s.done.Wait()
	return err
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // such as too many open files: the next may succeed
		}
		s.done.Go(func() { s.serve(conn) })
	}
}

// serve answers one request. Deadlines keep a client that says nothing from staying.
func (s *Server) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	came := time.Now()
	local, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return
	}
	var request [1024]byte
	if err := conn.SetDeadline(came.Add(requestTimeout)); err != nil {
		return
	}
	if _, err := conn.Read(request[:]); err != nil {
		return
	}
	answer, held := s.answer(local.Addr(), came)
	if held != nil {
		<-held
		answer, _ = s.answer(local.Addr(), came)
		if err := conn.SetDeadline(time.Now().Add(requestTimeout)); err != nil {
			return
		}
	}
	_, _ = io.WriteString(conn, answer)
}

// answer decides what to say, or returns the channel to wait for first.
func (s *Server) answer(addr netip.Addr, came time.Time) (answer string, held <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.regions[addr]
	if r == nil {
		r = &region{}
		s.regions[addr] = r
	}
	if !r.fails && s.holding.Contains(addr) {
		return "", s.released
	}
	s.note(r, came)
	if s.next != nil && !r.fails && s.next.in.Contains(addr) {
		r.fails = true
		s.next.addr <- addr
		s.next = nil
	}
	if r.fails {
		return failing, nil
	}
	return healthy, nil
}

func (s *Server) note(r *region, came time.Time) {
	s.probes++
	r.probes++
	if s.measuring && !r.last.IsZero() {
		s.intervals = append(s.intervals, came.Sub(r.last))
	}
	r.last = came
}

// Probes returns how many were answered, and how many regions have been probed, since the start or the
// newest Forget.
func (s *Server) Probes() (probes, regions int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.regions {
		if r.probes > 0 {
			regions++
		}
	}
	return s.probes, regions
}

// Forget counts from 0 again, and measures no interval over this moment. What fails goes on failing.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probes = 0
	for _, r := range s.regions {
		r.probes, r.last = 0, time.Time{}
	}
}

// Measure notes, until ctx ends, the times between two probes of one region.
func (s *Server) Measure(ctx context.Context) []time.Duration {
	s.mu.Lock()
	s.measuring, s.intervals = true, nil
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.measuring = false
	return s.intervals
}

// FailNext lets the next healthy region in the prefix that is probed fail from then on, and returns its address.
func (s *Server) FailNext(ctx context.Context, in netip.Prefix) (netip.Addr, error) {
	p := &pending{in: in, addr: make(chan netip.Addr, 1)}
	s.mu.Lock()
	s.next = p
	s.mu.Unlock()
	select {
	case addr := <-p.addr:
		return addr, nil
	case <-ctx.Done():
		return netip.Addr{}, ctx.Err()
	}
}

// Hold leaves probes of healthy regions in the prefix without an answer until Fail or Release.
func (s *Server) Hold(in netip.Prefix) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding = in
}

// Fail lets all regions in the prefix fail, and answers the probes that are held.
func (s *Server) Fail(in netip.Prefix) {
	s.mu.Lock()
	for addr, r := range s.regions {
		r.fails = r.fails || in.Contains(addr)
	}
	s.mu.Unlock()
	s.Release()
}

// Release answers the probes that are held, and holds no more.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holding = netip.Prefix{}
	close(s.released)
	s.released = make(chan struct{})
}
