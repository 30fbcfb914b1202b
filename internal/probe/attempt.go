// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/breakwater-dev/breakwater/internal/expression"
)

// attempt is one probe under way, the same for all addresses of its target.
type attempt struct {
	prober      *Prober
	target      Target
	credentials Credentials
	holds       *expression.Program
	request     []byte
	deadline    time.Time
}

// all asks every address at once and keeps their order.
func (a *attempt) all(ctx context.Context, addrs []netip.Addr) []AddressResult {
	results := make([]AddressResult, len(addrs))
	if len(addrs) > 1 {
		var others sync.WaitGroup
		for i := 1; i < len(addrs); i++ {
			others.Go(func() { a.ask(ctx, addrs[i], &results[i]) })
		}
		defer others.Wait()
	}
	a.ask(ctx, addrs[0], &results[0])
	return results
}

func (a *attempt) ask(ctx context.Context, addr netip.Addr, result *AddressResult) {
	start := time.Now()
	*result = AddressResult{Addr: addr, Answer: a.one(ctx, addr)}
	result.Latency = time.Since(start)
}

// one asks one address, on a connection that is closed in the end.
func (a *attempt) one(ctx context.Context, addr netip.Addr) Answer {
	started := time.Now()
	if reason, ok := a.prober.guard(addr); !ok {
		return Answer{Err: Forbidden, Detail: cut(reason, maxDetail)}
	}
	bounded, cancel := a.prober.bound(ctx, a.deadline)
	defer cancel()
	conn, err := a.prober.dial(bounded, netip.AddrPortFrom(addr, a.target.Port))
	if err != nil {
		return failure(ctx, a.deadline, err, Local)
	}
	// The deadline holds for everything on the connection, however often data comes.
	if err := conn.SetDeadline(a.deadline); err != nil {
		conn.Close()
		return failure(ctx, a.deadline, err, Local)
	}
	interrupt := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer interrupt()

	answer, complete, err := a.speak(ctx, conn, started)
	if !complete {
		abort(conn)
	}
	conn.Close()
	if err != nil {
		failed := failure(ctx, a.deadline, err, MalformedResponse)
		answer.Err, answer.Detail = failed.Err, failed.Detail
	}
	return answer
}

// speak does what the probe's type asks for, on an open connection. TLS is not shut down in the end:
// that would mean to write once more, with a deadline that is not ours.
func (a *attempt) speak(ctx context.Context, conn net.Conn, started time.Time) (answer Answer, complete bool, err error) {
	switch a.target.Type {
	case TCP:
		return Answer{First: time.Since(started)}, true, nil
	case GRPC:
		bounded, cancel := context.WithDeadline(ctx, a.deadline)
		defer cancel()
		return a.checkHealth(bounded, conn, started)
	case HTTP, OpenAIModels, OpenAICompletion:
	}
	if a.target.Scheme == "https" {
		secure := tls.Client(conn, a.tlsConfig("http/1.1"))
		if err := secure.Handshake(); err != nil {
			return Answer{}, false, handshakeError{err}
		}
		conn = secure
	}
	if _, err := conn.Write(a.request); err != nil {
		return Answer{}, false, err
	}
	buffer := a.prober.buffers.Get().(*bufio.Reader)
	defer a.prober.buffers.Put(buffer)
	defer buffer.Reset(nil)
	return reading{&a.target, a.holds, started}.answer(conn, buffer)
}

// tlsConfig is for one connection: without a session cache every probe sees the whole handshake,
// and so also a certificate that has expired since the last one.
func (a *attempt) tlsConfig(protocol string) *tls.Config {
	config := &tls.Config{
		ServerName: cmp.Or(a.target.ServerName, a.target.Hostname),
		RootCAs:    cmp.Or(a.credentials.RootCAs, a.prober.rootCAs),
		NextProtos: []string{protocol},
		MinVersion: tls.VersionTLS12,
	}
	if a.credentials.Certificate != nil {
		config.Certificates = []tls.Certificate{*a.credentials.Certificate}
	}
	return config
}

// abort makes Close reset the connection, so that a server that never ends leaves no half-closed socket
// behind in the operator's kernel.
func abort(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}
