// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package schedules

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/breakwater-dev/breakwater/internal/probe"
)

// behaviour is how a region answers probes.
type behaviour struct {
	name string
	// status and retryAfter, in seconds or "", are what it answers after the time that it takes.
	status     int
	retryAfter string
	takes      time.Duration
	// raw replaces the answer. err refuses the connection. hangs connects and never answers; lost does not even
	// connect.
	raw   string
	err   error
	hangs bool
	lost  bool
}

func (b behaviour) String() string { return b.name }

// record is one thing that a probe met: an address that answered, or a name that has none.
type record struct {
	region            string
	addr              netip.Addr
	started, finished time.Time
	behaviour         behaviour
	timedOut          bool
	noName            bool
}

// regions are all regions of a schedule: the network and the DNS that probes meet.
type regions struct {
	travel func(key string) time.Duration // how long a packet takes, by what it is for

	mu        sync.Mutex
	behaviour map[string]behaviour     // by region
	partly    map[netip.Addr]behaviour // of single addresses, above all
	names     map[string]dnsRecord     // by host name
	records   []record
}

// dnsRecord is what the resolver says of a name.
type dnsRecord struct {
	addrs  []netip.Addr
	silent bool
}

// regionOf returns the region that has an address.
func regionOf(addr netip.Addr) string {
	return regionNames[addr.As4()[1]-1]
}

func (r *regions) set(region string, b behaviour) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behaviour[region] = b
}

func (r *regions) setAddress(addr netip.Addr, b behaviour) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.partly[addr] = b
}

func (r *regions) setName(host string, d dnsRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names[host] = d
}

// heal lets every region answer, and the resolver too.
func (r *regions) heal(addresses func(host string) []netip.Addr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.partly)
	for name := range r.behaviour {
		r.behaviour[name] = healthy
	}
	for host, d := range r.names {
		if d.silent || len(d.addrs) == 0 {
			r.names[host] = dnsRecord{addrs: addresses(host)}
		}
	}
}

// Lookup resolves a name as the script has it. No answer says for how long it holds.
func (r *regions) Lookup(ctx context.Context, family probe.Family, host string) ([]netip.Addr, time.Duration, error) {
	started := time.Now()
	if err := pass(ctx, r.travel("lookup "+string(family)+" "+host)); err != nil {
		return nil, unsaid, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	d, ok := r.names[host]
	switch {
	case d.silent:
		return nil, unsaid, &net.DNSError{Err: "no answer", Name: host, IsTimeout: true}
	case !ok || len(d.addrs) == 0 || family == probe.IPv6:
		if family == probe.IPv4 {
			region, _, _ := strings.Cut(host, ".")
			r.records = append(r.records, record{region: region, started: started, finished: time.Now(), noName: true})
		}
		return nil, unsaid, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return slices.Clone(d.addrs), unsaid, nil
}

// unsaid is the time for which an answer holds when nobody says it.
const unsaid = -1

// Dial connects a probe.
func (r *regions) Dial(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	rec := record{region: regionOf(addr.Addr()), addr: addr.Addr(), started: time.Now()}
	r.mu.Lock()
	b, ok := r.partly[addr.Addr()]
	if !ok {
		b = r.behaviour[rec.region]
	}
	r.mu.Unlock()
	rec.behaviour = b
	there := r.travel("dial " + addr.String())
	if b.lost {
		<-ctx.Done()
		r.note(ctx, rec, true)
		return nil, ctx.Err()
	}
	if err := pass(ctx, there); err != nil {
		r.note(ctx, rec, true)
		return nil, err
	}
	if b.err != nil {
		r.note(ctx, rec, false)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: b.err}
	}
	return &conn{
		regions: r, record: rec, ctx: ctx, answers: !b.hangs, ready: time.Now().Add(there + b.takes),
		left: strings.NewReader(b.response()), changed: make(chan struct{}, 1),
	}, nil
}

// note keeps what a probe met, unless the operator gave it up.
func (r *regions) note(ctx context.Context, rec record, timedOut bool) {
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return
	}
	rec.finished, rec.timedOut = time.Now(), timedOut
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, rec)
}

func (r *regions) met() []record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.records)
}

func (b behaviour) response() string {
	if b.raw != "" {
		return b.raw
	}
	head := fmt.Sprintf("HTTP/1.1 %d Scripted\r\nContent-Length: 0\r\n", b.status)
	if b.retryAfter != "" {
		head += "Retry-After: " + b.retryAfter + "\r\n"
	}
	return head + "\r\n"
}

// conn is a connection to a region, on which an answer is ready some time after it was opened.
type conn struct {
	net.Conn // nil: what a probe does not need is not there

	regions *regions
	record  record
	ctx     context.Context
	answers bool
	ready   time.Time
	left    *strings.Reader
	changed chan struct{}

	mu       sync.Mutex
	deadline time.Time
	noted    bool
}

func (c *conn) Write(p []byte) (int, error) { return len(p), nil }

func (c *conn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	select {
	case c.changed <- struct{}{}:
	default:
	}
	return nil
}

func (c *conn) Read(p []byte) (int, error) {
	for {
		c.mu.Lock()
		deadline := c.deadline
		c.mu.Unlock()
		now := time.Now()
		switch {
		case !now.Before(deadline):
			c.note(true)
			return 0, os.ErrDeadlineExceeded
		case c.answers && !now.Before(c.ready):
			n, err := c.left.Read(p)
			if err == io.EOF || c.left.Len() == 0 {
				c.note(false)
			}
			return n, err
		}
		until := deadline
		if c.answers && c.ready.Before(until) {
			until = c.ready
		}
		timer := time.NewTimer(time.Until(until))
		select {
		case <-timer.C:
		case <-c.changed:
		}
		timer.Stop()
	}
}

func (c *conn) note(timedOut bool) {
	c.mu.Lock()
	noted := c.noted
	c.noted = true
	c.mu.Unlock()
	if !noted {
		c.regions.note(c.ctx, c.record, timedOut)
	}
}

func (c *conn) Close() error { return nil }

// pass lets time go by, or less if ctx ends.
func pass(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var healthy = behaviour{name: "200", status: 200}

// behaviours are those that a script draws from.
func behaviours() []behaviour {
	return []behaviour{
		healthy, healthy, healthy,
		{name: "503", status: 503}, {name: "503", status: 503}, {name: "500", status: 500},
		{name: "slow 200", status: 200, takes: 900 * time.Millisecond},
		{name: "very slow 200", status: 200, takes: 3700 * time.Millisecond},
		{name: "slow 503", status: 503, takes: 1300 * time.Millisecond},
		{name: "hangs", hangs: true}, {name: "lost", lost: true},
		{name: "refused", err: syscall.ECONNREFUSED}, {name: "unreachable", err: syscall.EHOSTUNREACH},
		{name: "no files left", err: syscall.EMFILE},
		{name: "garbage", raw: "\x00\x01what?\r\n\r\n"}, {name: "cut off", raw: "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort"},
		{name: "429", status: 429}, {name: "429 for 3s", status: 429, retryAfter: "3"},
		{name: "429 for 50s", status: 429, retryAfter: "50"},
		{name: "401", status: 401}, {name: "404", status: 404},
	}
}
