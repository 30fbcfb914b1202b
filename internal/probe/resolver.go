// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// The times and bounds of a [Resolver].
const (
	// DefaultTTL is how long addresses are used before they are looked up again, if nobody says how long they
	// hold, as for those of /etc/hosts.
	DefaultTTL = 30 * time.Second

	minTTL       = time.Second      // a shorter one is lengthened: no name is asked for more often
	maxTTL       = 5 * time.Minute  // a longer one is cut: a mistake is not to last for days
	maxDenialTTL = 30 * time.Second // for how long at most a name is taken not to exist

	retryAfterFailure = time.Second      // a failed lookup is not repeated sooner
	lookupTimeout     = 10 * time.Second // two attempts of five seconds, as resolv.conf has it
	idleTime          = 10 * time.Minute // names that nobody asked for so long are forgotten
	sweepInterval     = time.Minute
	maxLookups        = 256 // lookups under way
)

// ErrNameNotFound means that the resolver said that the name has no address of the wanted family.
var ErrNameNotFound = errors.New("the name has no address")

// ErrResolverUnavailable means that the resolver gave no answer that could be used, in time.
var ErrResolverUnavailable = errors.New("the resolver does not answer")

// Lookup finds the addresses of names. [DNS] is one.
type Lookup interface {
	// Lookup returns the addresses of host in one family, and for how long they hold. Its errors are those of
	// net.Resolver; one that says that there are none comes with how long that holds. The time is negative if
	// nobody says.
	Lookup(ctx context.Context, f Family, host string) ([]netip.Addr, time.Duration, error)
}

// Resolver remembers the addresses of names. An address once seen is used until a lookup has found
// others: while one is under way, fails, or finds nothing, the last good addresses stay, so that only the
// first question for a name waits for the network. It is safe for concurrent use.
type Resolver struct {
	lookup  Lookup
	ttl     time.Duration
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	slots   chan struct{}
	lookups sync.WaitGroup

	mu     sync.Mutex
	closed bool
	names  map[string]*name
	swept  time.Time
}

// name is what is known of one name. The families are looked up apart: one that does not answer must
// neither hold up nor hide the other.
type name struct {
	v4, v6 record
	used   time.Time
}

type record struct {
	good    []netip.Addr  // sorted; never changed in place
	err     error         // of the newest lookup
	checked time.Time     // the end of the newest lookup
	holds   time.Duration // for how long nothing is looked up after that
	pending chan struct{} // closed at the end of the lookup under way; nil if there is none
}

// NewResolver returns a Resolver that asks lookup. ttl is how long addresses are used of which nobody says how
// long they hold; 0 means DefaultTTL. Close ends it.
func NewResolver(lookup Lookup, ttl time.Duration) *Resolver {
	if ttl == 0 {
		ttl = DefaultTTL
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Resolver{
		lookup: lookup,
		ttl:    ttl,
		ctx:    ctx,
		cancel: cancel,
		slots:  make(chan struct{}, maxLookups),
		names:  map[string]*name{},
	}
}

// Close ends the lookups under way and waits for them. Later questions are answered from memory alone.
func (r *Resolver) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.lookups.Wait()
}

// Resolve returns the addresses of host in the wanted families, IPv4 first, each sorted. If one of the
// families is missing it returns the addresses of the other with an error, which is ErrNameNotFound, or
// ErrResolverUnavailable if that holds for any of them. It waits, until ctx ends, only for families of
// which nothing is known.
func (r *Resolver) Resolve(ctx context.Context, host string, families []Family) ([]netip.Addr, error) {
	host = strings.ToLower(host)
	n := r.ask(host, families)

	var addrs []netip.Addr
	var missing error
	for _, f := range []Family{IPv4, IPv6} {
		if !slices.Contains(families, f) {
			continue
		}
		found, err := r.await(ctx, n, f)
		addrs = append(addrs, found...)
		if err != nil && !errors.Is(missing, ErrResolverUnavailable) {
			missing = fmt.Errorf("%s of %q: %w", f, host, err)
		}
	}
	return addrs, missing
}

// ask notes that a name is in use and starts the lookups that are due.
func (r *Resolver) ask(host string, families []Family) *name {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep(now)
	n := r.names[host]
	if n == nil {
		n = &name{}
		r.names[host] = n
	}
	n.used = now
	for _, f := range families {
		if record := n.record(f); !r.closed && record.due(now) {
			record.pending = make(chan struct{})
			r.lookups.Go(func() { r.refresh(n, host, f) })
		}
	}
	return n
}

// await returns what is known of a family, and only if that is nothing, waits for a lookup under way.
func (r *Resolver) await(ctx context.Context, n *name, f Family) ([]netip.Addr, error) {
	good, pending, err := r.known(n, f)
	if err == nil || pending == nil {
		return good, err
	}
	select {
	case <-pending:
		good, _, err = r.known(n, f)
		return good, err
	case <-ctx.Done():
		return nil, ErrResolverUnavailable
	}
}

// known returns the last good addresses or why there are none, and the lookup under way, if any.
func (r *Resolver) known(n *name, f Family) (good []netip.Addr, pending <-chan struct{}, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	record := n.record(f)
	switch {
	case len(record.good) > 0:
		return record.good, record.pending, nil
	case record.err != nil:
		return nil, record.pending, record.err
	default: // never looked up
		return nil, record.pending, ErrResolverUnavailable
	}
}

// refresh looks one family of a name up and stores what came of it.
func (r *Resolver) refresh(n *name, host string, f Family) {
	addrs, ttl, err := r.find(host, f)

	r.mu.Lock()
	defer r.mu.Unlock()
	record := n.record(f)
	switch {
	case err == nil:
		record.good = addrs
	case errors.Is(err, ErrNameNotFound) && errors.Is(record.err, ErrNameNotFound) && n.other(f).foundSince(record.checked):
		// Not found twice, and the other family found in between: the name exists, so this family was
		// taken out of it on purpose.
		record.good = nil
	}
	record.err = err
	record.checked = time.Now()
	record.holds = r.holds(ttl, err)
	close(record.pending)
	record.pending = nil
}

// holds bounds for how long the outcome of a lookup is taken as it is.
func (r *Resolver) holds(ttl time.Duration, err error) time.Duration {
	switch {
	case errors.Is(err, ErrResolverUnavailable), err != nil && ttl < 0:
		return min(retryAfterFailure, r.ttl)
	case err != nil:
		return min(max(ttl, minTTL), maxDenialTTL)
	case ttl < 0:
		return r.ttl
	default:
		return min(max(ttl, minTTL), maxTTL)
	}
}

func (r *Resolver) find(host string, f Family) ([]netip.Addr, time.Duration, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-r.ctx.Done():
		return nil, 0, ErrResolverUnavailable
	}
	ctx, cancel := context.WithTimeout(r.ctx, lookupTimeout)
	defer cancel()
	addrs, ttl, err := r.lookup.Lookup(ctx, f, host)
	addrs = normalize(addrs, f)
	switch {
	case err == nil && len(addrs) > 0:
		return addrs, ttl, nil
	case err == nil || notFound(err):
		return nil, ttl, ErrNameNotFound
	default:
		return nil, 0, ErrResolverUnavailable
	}
}

// notFound tells an answer without addresses from the lack of an answer. An AddrError is what the
// standard resolver returns when the hosts file has the name, but in the other family only.
func notFound(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsNotFound
	}
	_, ok := errors.AsType[*net.AddrError](err)
	return ok
}

// normalize returns at most maxAddresses distinct addresses of the family, sorted and without zones.
func normalize(addrs []netip.Addr, f Family) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		if a = a.Unmap().WithZone(""); a.IsValid() && FamilyOf(a) == f {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	out = slices.Compact(out)
	return slices.Clone(out[:min(len(out), maxAddresses)])
}

// sweep forgets idle names. It runs within questions, so that no goroutine has to.
func (r *Resolver) sweep(now time.Time) {
	if now.Sub(r.swept) < sweepInterval {
		return
	}
	r.swept = now
	maps.DeleteFunc(r.names, func(_ string, n *name) bool {
		return now.Sub(n.used) >= idleTime && n.v4.pending == nil && n.v6.pending == nil
	})
}

func (n *name) record(f Family) *record {
	if f == IPv4 {
		return &n.v4
	}
	return &n.v6
}

func (n *name) other(f Family) *record {
	if f == IPv4 {
		return &n.v6
	}
	return &n.v4
}

// due reports whether a lookup should start.
func (r *record) due(now time.Time) bool {
	return r.pending == nil && now.Sub(r.checked) >= r.holds
}

// foundSince reports whether the newest lookup found addresses, and not before t.
func (r *record) foundSince(t time.Time) bool {
	return r.err == nil && len(r.good) > 0 && !r.checked.Before(t)
}
