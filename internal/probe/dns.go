// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// DNS looks names up as Go programs do: by /etc/hosts, and by the servers, search domains and ndots of
// /etc/resolv.conf, over UDP and where an answer is too long for that, TCP. How long an answer holds, which
// net.Resolver does not tell, is read off the packets that pass. The zero value is ready for use.
type DNS struct {
	// Dial replaces the connection to the server that resolv.conf names; nil for none.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Lookup returns what [Lookup] asks for.
func (d DNS) Lookup(ctx context.Context, f Family, host string) ([]netip.Addr, time.Duration, error) {
	seen := &lifetimes{answer: -1, denial: -1}
	// A resolver of its own per lookup: another one's answers are not to be taken for these.
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := d.dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return seen.watch(conn), nil
	}}
	network := "ip4"
	if f == IPv6 {
		network = "ip6"
	}
	addrs, err := resolver.LookupNetIP(ctx, network, host)
	return addrs, seen.of(err), err
}

func (d DNS) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if d.Dial != nil {
		return d.Dial(ctx, network, address)
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, address)
}

// lifetimes are the shortest ones of the messages of one lookup; negative if there was none.
type lifetimes struct {
	mu             sync.Mutex
	answer, denial time.Duration
}

// of returns how long the outcome of the lookup holds: addresses if err is nil, else that there are none.
func (l *lifetimes) of(err error) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		return l.answer
	}
	return l.denial
}

// note takes in one message, in the form of RFC 1035. What cannot be read says nothing.
func (l *lifetimes) note(message []byte) {
	var p dnsmessage.Parser
	header, err := p.Start(message)
	if err != nil || !header.Response || p.SkipAllQuestions() != nil {
		return
	}
	answer, found := lifetimeOfAnswers(&p)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case found:
		l.answer = shorter(l.answer, answer)
	case header.RCode == dnsmessage.RCodeSuccess, header.RCode == dnsmessage.RCodeNameError:
		l.denial = shorter(l.denial, lifetimeOfDenial(&p))
	}
}

// lifetimeOfAnswers returns the shortest one of the answers, aliases included, if there is an address among them.
func lifetimeOfAnswers(p *dnsmessage.Parser) (shortest time.Duration, found bool) {
	shortest = -1
	for {
		h, err := p.AnswerHeader()
		if err != nil || p.SkipAnswer() != nil {
			return shortest, found
		}
		found = found || h.Type == dnsmessage.TypeA || h.Type == dnsmessage.TypeAAAA
		shortest = shorter(shortest, seconds(h.TTL))
	}
}

// lifetimeOfDenial reads the SOA record that comes with a denial (RFC 2308, section 5); negative without one.
func lifetimeOfDenial(p *dnsmessage.Parser) time.Duration {
	if p.SkipAllAnswers() != nil {
		return -1
	}
	for {
		h, err := p.AuthorityHeader()
		if err != nil {
			return -1
		}
		if h.Type != dnsmessage.TypeSOA {
			if p.SkipAuthority() != nil {
				return -1
			}
			continue
		}
		soa, err := p.SOAResource()
		if err != nil {
			return -1
		}
		return min(seconds(h.TTL), seconds(soa.MinTTL))
	}
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }

// shorter returns the shorter one of two lifetimes, of which negative ones do not count.
func shorter(a, b time.Duration) time.Duration {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}

// watch returns a connection that notes the messages read from it. net.Resolver tells UDP from TCP by whether
// the connection is a net.PacketConn.
func (l *lifetimes) watch(conn net.Conn) net.Conn {
	if packets, ok := conn.(packetConn); ok {
		return &watchedPackets{packets, l}
	}
	return &watchedStream{Conn: conn, seen: l}
}

type packetConn interface {
	net.Conn
	net.PacketConn
}

type watchedPackets struct {
	packetConn
	seen *lifetimes
}

func (c *watchedPackets) Read(b []byte) (int, error) {
	n, err := c.packetConn.Read(b)
	c.seen.note(b[:n])
	return n, err
}

// watchedStream is a TCP connection: each message comes after its length in two bytes.
type watchedStream struct {
	net.Conn
	seen *lifetimes
	read []byte // of the message under way
}

func (c *watchedStream) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read = append(c.read, b[:n]...)
	for len(c.read) >= 2 {
		end := 2 + int(binary.BigEndian.Uint16(c.read))
		if len(c.read) < end {
			break
		}
		c.seen.note(c.read[2:end])
		c.read = c.read[end:]
	}
	return n, err
}
