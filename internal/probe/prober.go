// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/breakwater-dev/breakwater/internal/expression"
)

// DefaultMaxConnections bounds the connections of all probes under way.
const DefaultMaxConnections = 8192

// maxAddresses is how many addresses of a target are asked. Of more, the lowest of each family are taken,
// so that every probe asks the same ones.
const maxAddresses = 16

// Dial connects to an address. It must return when ctx ends.
type Dial func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)

// Options of a [Prober]. The zero value is ready for use.
type Options struct {
	// MaxConnections bounds the sockets of all probes under way: a probe takes as many places as it has
	// addresses, and waits until they are free. 0 means DefaultMaxConnections; the least is 16.
	MaxConnections int
	// Check refuses addresses beyond loopback, link-local, multicast and unspecified ones.
	Check Check
	// RootCAs are trusted with https; nil means the system's.
	RootCAs *x509.CertPool
	// Dial replaces the direct TCP connection.
	Dial Dial
}

// Prober makes probes. It is safe for concurrent use and keeps nothing open between probes.
type Prober struct {
	resolver *Resolver
	guard    Check
	dial     Dial
	bound    func(context.Context, time.Time) (context.Context, context.CancelFunc) // lets a dial end at a deadline
	rootCAs  *x509.CertPool
	places   *semaphore.Weighted
	buffers  sync.Pool // of *bufio.Reader

	expressions expression.Cache
}

// New returns a Prober. The resolver stays the caller's to close, after the last probe.
func New(resolver *Resolver, opts Options) *Prober {
	if opts.MaxConnections == 0 {
		opts.MaxConnections = DefaultMaxConnections
	}
	bound := context.WithDeadline
	if opts.Dial == nil {
		opts.Dial, bound = dialTCP, tellDeadline
	}
	return &Prober{
		resolver: resolver,
		guard:    guard(opts.Check),
		dial:     opts.Dial,
		bound:    bound,
		rootCAs:  opts.RootCAs,
		places:   semaphore.NewWeighted(int64(max(opts.MaxConnections, maxAddresses))),
		buffers:  sync.Pool{New: func() any { return bufio.NewReader(nil) }},
	}
}

// Probe asks every address of the target at once and returns within t.Timeout, not counting the time for
// which it waits for a place. When ctx ends it returns at once, with Canceled for what was not answered.
func (p *Prober) Probe(ctx context.Context, t Target) Result {
	result := Result{Started: time.Now(), Families: t.Families}
	if t.Absent != None {
		return result.without(t.Absent, "the target has no addresses")
	}
	if err := t.validate(); err != nil {
		return result.without(Local, err.Error())
	}
	a := &attempt{prober: p, target: t}
	class, err := a.prepare(ctx)
	if class != None {
		return result.without(class, detail(err))
	}
	addrs, class, err := p.addresses(ctx, t)
	if class != None {
		return result.without(class, detail(err))
	}
	addrs = limit(addrs)
	left := t.Timeout - time.Since(result.Started)

	places := int64(len(addrs))
	err = p.places.Acquire(ctx, places)
	result.Started = time.Now()
	if err != nil {
		return result.without(Canceled, "the operator gave the probe up")
	}
	defer p.places.Release(places)

	a.deadline = result.Started.Add(left)
	if t.Type == OpenAICompletion && t.Pay != nil {
		if !p.paid(ctx, t, addrs, left/2) {
			return result.without(BudgetExhausted, "completions that would have to be asked for are not paid for")
		}
		result.Started = time.Now()
	}
	result.Addresses = a.all(ctx, addrs)
	result.Finished = time.Now()
	return result
}

// paid has a completion of each address that may be asked paid for.
func (p *Prober) paid(ctx context.Context, t Target, addrs []netip.Addr, patience time.Duration) bool {
	asked := 0
	for _, a := range addrs {
		if p.Permits(a) {
			asked++
		}
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return t.Pay(bounded, asked)
}

// prepare gets everything ready that a probe needs beside addresses and a place.
func (a *attempt) prepare(ctx context.Context) (ErrorClass, error) {
	t := &a.target
	var err error
	if t.Expect.Expression != "" {
		if a.holds, err = a.prober.expressions.Get(t.Expect.Expression); err != nil {
			return InvalidExpression, err
		}
	}
	if t.Private != nil {
		bounded, cancel := context.WithTimeout(ctx, t.Timeout/2)
		defer cancel()
		if a.credentials, err = t.Private.Credentials(bounded); err != nil {
			if ended(ctx) {
				return Canceled, err
			}
			return CredentialsUnreadable, err
		}
	}
	if t.Type != TCP && t.Type != GRPC {
		a.request = t.request(a.credentials)
	}
	return None, nil
}

// without ends a result for which no address was asked.
func (r Result) without(class ErrorClass, detail string) Result {
	r.Err, r.Detail, r.Finished = class, cut(detail, maxDetail), time.Now()
	return r
}

// addresses returns the addresses to ask, or the class of what prevents that.
func (p *Prober) addresses(ctx context.Context, t Target) ([]netip.Addr, ErrorClass, error) {
	wanted := t.Families
	if len(wanted) == 0 {
		wanted = []Family{IPv4, IPv6}
	}
	if t.Host == "" {
		return known(t.Addresses, wanted)
	}
	if addr, err := netip.ParseAddr(t.Host); err == nil {
		return known([]netip.Addr{addr.Unmap()}, wanted)
	}

	lookup, cancel := context.WithTimeout(ctx, t.Timeout/2)
	defer cancel()
	addrs, err := p.resolver.Resolve(lookup, t.Host, wanted)
	switch {
	case err == nil:
	case ended(ctx):
		return nil, Canceled, err
	case errors.Is(err, ErrNameNotFound) && len(addrs) == 0:
		if others, _ := p.resolver.Resolve(lookup, t.Host, []Family{IPv4, IPv6}); len(others) > 0 {
			return nil, AddressFamily, errors.New("the name has addresses of another family than the Service")
		}
		return nil, NameNotFound, err
	case !errors.Is(err, ErrNameNotFound) && (len(addrs) == 0 || len(t.Families) > 0):
		// Without one of the needed families nothing can be said about the whole.
		return nil, ResolverUnavailable, err
	}
	return limit(addrs), None, nil
}

// known leaves the addresses of the wanted families.
func known(addrs []netip.Addr, wanted []Family) ([]netip.Addr, ErrorClass, error) {
	addrs = slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool { return !slices.Contains(wanted, FamilyOf(a)) })
	if len(addrs) == 0 {
		return nil, AddressFamily, errors.New("the target has no address in a family of the Service")
	}
	return addrs, None, nil
}

// limit leaves at most maxAddresses of the sorted addresses, and room for both families.
func limit(addrs []netip.Addr) []netip.Addr {
	if len(addrs) <= maxAddresses {
		return addrs
	}
	n4 := 0
	for n4 < len(addrs) && addrs[n4].Is4() {
		n4++
	}
	n6 := len(addrs) - n4
	take4 := min(n4, max(maxAddresses/2, maxAddresses-n6))
	return slices.Concat(addrs[:take4], addrs[n4:n4+maxAddresses-take4])
}

// Permits reports whether a region may have an address.
func (p *Prober) Permits(addr netip.Addr) bool {
	_, ok := p.guard(addr)
	return ok
}

// Addresses returns the addresses that the target has and that a region may have, without probing them;
// none if they cannot be found out. Those of a target without Host are all there, however many; no call is made.
func (p *Prober) Addresses(ctx context.Context, t Target) []netip.Addr {
	addrs, class, _ := p.addresses(ctx, t)
	if class != None {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(addrs), func(addr netip.Addr) bool {
		return !p.Permits(addr)
	})
}
