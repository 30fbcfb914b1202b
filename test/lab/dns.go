// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"

	"github.com/miekg/dns"
)

// DNSServer is a name server, over UDP and TCP, whose records a test sets.
type DNSServer struct {
	udp, tcp *dns.Server
	addr     string
	serving  sync.WaitGroup

	mu      sync.Mutex
	names   map[string]records
	silent  bool
	asked   map[string]int
	changed chan struct{} // closed and replaced with each question
}

// records are what is known of a name.
type records struct {
	addrs []netip.Addr
	ttl   uint32
}

// denialTTL is for how many seconds it holds that a name does not exist.
const denialTTL = 1

// NewDNSServer starts a name server on an address with a port, such as 10.0.0.53:53. It knows no name yet.
func NewDNSServer(addr string) (*DNSServer, error) {
	s := &DNSServer{addr: addr, names: map[string]records{}, asked: map[string]int{}, changed: make(chan struct{})}
	packets, err := (&net.ListenConfig{}).ListenPacket(context.Background(), "udp", addr)
	if err != nil {
		return nil, fmt.Errorf("name server: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		packets.Close()
		return nil, fmt.Errorf("name server: %w", err)
	}
	s.udp = &dns.Server{PacketConn: packets, Handler: s}
	s.tcp = &dns.Server{Listener: listener, Handler: s}
	for _, server := range []*dns.Server{s.udp, s.tcp} {
		started := make(chan struct{})
		server.NotifyStartedFunc = func() { close(started) }
		s.serving.Go(func() { _ = server.ActivateAndServe() })
		<-started
	}
	return s, nil
}

// Close stops the server.
func (s *DNSServer) Close() error {
	err := errors.Join(s.udp.Shutdown(), s.tcp.Shutdown())
	s.serving.Wait()
	return err
}

// Dial connects to the server, whatever address is asked for.
func (s *DNSServer) Dial(ctx context.Context, network, _ string) (net.Conn, error) {
	var dialer net.Dialer
	return dialer.DialContext(ctx, network, s.addr)
}

// Set gives a name addresses, for so many seconds. Without any the name does not exist.
func (s *DNSServer) Set(name string, ttl uint32, addrs ...string) {
	r := records{ttl: ttl}
	for _, a := range addrs {
		r.addrs = append(r.addrs, netip.MustParseAddr(a))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[dns.CanonicalName(name)] = r
}

// Silence has the server not answer from now on, or answer again.
func (s *DNSServer) Silence(silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silent = silent
}

// AwaitQuestions waits until n more questions for addresses of a name have come over a network, "udp" or "tcp".
func (s *DNSServer) AwaitQuestions(ctx context.Context, network, name string, n int) error {
	key := network + " " + dns.CanonicalName(name)
	until := -1
	for {
		s.mu.Lock()
		asked, changed := s.asked[key], s.changed
		s.mu.Unlock()
		if until < 0 {
			until = asked + n
		}
		if asked >= until {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d questions for %s have come: %w", n-(until-asked), n, key, ctx.Err())
		}
	}
}

// ServeDNS answers one question.
func (s *DNSServer) ServeDNS(w dns.ResponseWriter, question *dns.Msg) {
	q := question.Question[0]
	known, silent := s.ask(w.LocalAddr().Network(), q.Name)
	if silent {
		return
	}
	answer := new(dns.Msg).SetReply(question)
	answer.RecursionAvailable = true
	for _, a := range known.addrs {
		header := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: known.ttl}
		switch {
		case q.Qtype == dns.TypeA && a.Is4():
			answer.Answer = append(answer.Answer, &dns.A{Hdr: header, A: a.AsSlice()})
		case q.Qtype == dns.TypeAAAA && a.Is6():
			answer.Answer = append(answer.Answer, &dns.AAAA{Hdr: header, AAAA: a.AsSlice()})
		}
	}
	if len(answer.Answer) == 0 {
		deny(answer, len(known.addrs) > 0)
	}
	if w.LocalAddr().Network() == "udp" {
		answer.Truncate(dns.MinMsgSize)
	}
	_ = w.WriteMsg(answer)
}

func (s *DNSServer) ask(network, name string) (known records, silent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[network+" "+dns.CanonicalName(name)]++
	close(s.changed)
	s.changed = make(chan struct{})
	return s.names[dns.CanonicalName(name)], s.silent
}

// deny says that there is no such name, or that it exists and has no such record.
func deny(answer *dns.Msg, exists bool) {
	if !exists {
		answer.Rcode = dns.RcodeNameError
	}
	zone := answer.Question[0].Name
	if i := strings.Index(zone, "."); i >= 0 && i+1 < len(zone) {
		zone = zone[i+1:]
	}
	answer.Ns = append(answer.Ns, &dns.SOA{
		Hdr:    dns.RR_Header{Name: zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: denialTTL},
		Ns:     "ns." + zone,
		Mbox:   "hostmaster." + zone,
		Minttl: denialTTL,
	})
}
