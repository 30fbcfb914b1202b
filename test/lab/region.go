// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Region is a small OpenAI-compatible model server whose behaviour can be
// changed at any time. All methods may be called concurrently.
type Region struct {
	name, model, addr string
	certificate       *tls.Certificate         // nil without TLS
	do                func(func() error) error // calls it in the region's network

	// switching serialises Set and Close, and guards what they start and stop.
	switching sync.Mutex
	closed    bool
	silent    bool     // nft drops the packets
	running   *running // nil while connections are refused

	mu          sync.Mutex
	changed     chan struct{} // closed and replaced at each change of what follows
	behaviour   Behaviour
	onRequest   func(*http.Request)
	requests    map[string]int
	connections int
	open        int // connections and handlers that have not ended
	logged      bool
	log         []Request
}

// Request is a request that a region has got.
type Request struct {
	Path    string
	Arrived time.Time
	// Ended is when the region was done with it; zero if it is not yet.
	Ended     time.Time
	Behaviour Behaviour // with which it was treated
}

// RegionOption changes what NewRegion makes.
type RegionOption func(*Region)

// WithName sets the name that answers carry. The default is the address.
func WithName(name string) RegionOption {
	return func(r *Region) { r.name = name }
}

// WithModel sets the name of the model that is served. The default is "demo".
func WithModel(model string) RegionOption {
	return func(r *Region) { r.model = model }
}

// WithLog has the region remember every request, for Log.
func WithLog() RegionOption {
	return func(r *Region) { r.logged = true }
}

// WithCertificate has the region speak TLS.
func WithCertificate(certificate tls.Certificate) RegionOption {
	return func(r *Region) { r.certificate = &certificate }
}

// NewRegion starts a healthy region that listens on addr, such as
// "10.1.0.10:8000" or "[fd00:1::10]:8000". The caller closes it.
func NewRegion(addr string, opts ...RegionOption) (*Region, error) {
	r := &Region{
		name:      addr,
		model:     "demo",
		addr:      addr,
		changed:   make(chan struct{}),
		do:        func(f func() error) error { return f() },
		behaviour: Healthy(),
		requests:  map[string]int{},
	}
	for _, opt := range opts {
		opt(r)
	}
	if err := r.listen(); err != nil {
		return nil, err
	}
	return r, nil
}

// Name is what its answers call the region.
func (r *Region) Name() string { return r.name }

// Addr is the address that the region listens on, with the port that was
// chosen if the one asked for was 0.
func (r *Region) Addr() string { return r.addr }

// URL is the region's endpoint, without a path.
func (r *Region) URL() string {
	if r.certificate != nil {
		return "https://" + r.addr
	}
	return "http://" + r.addr
}

// Set changes the behaviour for requests that arrive from now on. The listener
// is closed for ModeRefuse, along with every connection, and opened again for
// any other mode. It is an error if it cannot be, if packets cannot be dropped,
// or if b is not valid.
func (r *Region) Set(b Behaviour) error {
	if err := b.Validate(); err != nil {
		return err
	}
	r.switching.Lock()
	defer r.switching.Unlock()
	if r.closed {
		return fmt.Errorf("region %s: %w", r.name, net.ErrClosed)
	}
	if err := r.silence(b.Mode == ModeSilent); err != nil {
		return err
	}
	r.update(func() { r.behaviour = b })
	if b.Mode == ModeRefuse {
		r.unlisten()
		return nil
	}
	return r.listen()
}

// OnRequest has f called with every request before it is answered; nil ends
// that. A call may block, to hold one probe back, until req.Context() ends: it
// must then return. It runs without a lock held and for several requests at once.
func (r *Region) OnRequest(f func(req *http.Request)) {
	r.update(func() { r.onRequest = f })
}

// Requests returns how many requests have arrived for each path.
func (r *Region) Requests() map[string]int {
	return r.State().Requests
}

// Log returns every request in the order of arrival, if the region was made
// with WithLog.
func (r *Region) Log() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.log)
}

// Connections returns how many connections have been accepted.
func (r *Region) Connections() int {
	return r.State().Connections
}

// WaitRequests waits until at least n requests have arrived for a path since
// the region was made.
func (r *Region) WaitRequests(ctx context.Context, path string, n int) error {
	return r.wait(ctx, func() (bool, string) {
		return r.requests[path] >= n, fmt.Sprintf("%d of %d requests for %s", r.requests[path], n, path)
	})
}

// WaitConnections waits until at least n connections have been accepted since
// the region was made.
func (r *Region) WaitConnections(ctx context.Context, n int) error {
	return r.wait(ctx, func() (bool, string) {
		return r.connections >= n, fmt.Sprintf("%d of %d connections", r.connections, n)
	})
}

// Close stops the region. When it returns no goroutine of the region is left.
func (r *Region) Close() {
	r.switching.Lock()
	defer r.switching.Unlock()
	r.closed = true
	// If that fails, packets to an address that nobody listens on stay dropped.
	_ = r.silence(false)
	r.unlisten()
}

// running is a listener and the server behind it.
type running struct {
	server   *http.Server
	stopping chan struct{} // closed to end what the server does not know of
	done     chan struct{} // closed when the server has ended
}

// listen starts to accept connections, unless the region does already.
func (r *Region) listen() error {
	if r.running != nil {
		return nil
	}
	var listener net.Listener
	err := r.do(func() (err error) {
		listener, err = net.Listen("tcp", r.addr)
		return err
	})
	if err != nil {
		return fmt.Errorf("region %s: %w", r.name, err)
	}
	if got := listener.Addr().String(); got != r.addr {
		r.addr = got
	}
	now := &running{stopping: make(chan struct{}), done: make(chan struct{})}
	now.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			r.serve(w, req, now.stopping)
		}),
		ReadHeaderTimeout: time.Minute,
		ConnState:         r.countConnection,
		Protocols:         new(http.Protocols),
		// Clients whose certificates or patience end are what regions are for.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	now.server.Protocols.SetHTTP1(true)
	now.server.Protocols.SetHTTP2(true)
	now.server.Protocols.SetUnencryptedHTTP2(true)
	if r.certificate != nil {
		now.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*r.certificate}, MinVersion: tls.VersionTLS12}
	}
	r.running = now
	go func() {
		defer close(now.done)
		// It ends with http.ErrServerClosed, when unlisten says so.
		if r.certificate != nil {
			_ = now.server.ServeTLS(listener, "", "")
			return
		}
		_ = now.server.Serve(listener)
	}()
	return nil
}

// unlisten refuses connections and waits until the present ones have ended.
func (r *Region) unlisten() {
	if r.running == nil {
		return
	}
	close(r.running.stopping)
	// What can fail is closing sockets that are closed already.
	_ = r.running.server.Close()
	<-r.running.done
	r.running = nil
	r.waitClosed()
}
