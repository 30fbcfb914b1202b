// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// serve returns a Dial to a server in memory. The server ends when the probe closes the connection.
func serve(server func(net.Conn)) Dial {
	return func(context.Context, netip.AddrPort) (net.Conn, error) {
		client, conn := net.Pipe()
		go func() {
			defer conn.Close()
			server(conn)
		}()
		return client, nil
	}
}

// answering reads the request, waits, and answers 200.
func answering(after time.Duration) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		pause(conn, after)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	}
}

// pause waits, but no longer than until the probe closes the connection.
func pause(conn net.Conn, d time.Duration) {
	conn.SetReadDeadline(time.Now().Add(d))
	io.Copy(io.Discard, conn)
}

// deaf reads nothing, for longer than any probe lasts.
func deaf(net.Conn) { time.Sleep(time.Minute) }

func silent(conn net.Conn) { io.Copy(io.Discard, conn) }

func readRequest(conn net.Conn) {
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if lines.Text() == "" {
			return
		}
	}
}

// pieces answers with first, and then with next once per interval, for ever.
func pieces(interval time.Duration, first, next string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		_, err := io.WriteString(conn, first)
		for err == nil {
			pause(conn, interval)
			_, err = io.WriteString(conn, next)
		}
	}
}

// hangingDial is an address that drops every packet.
func hangingDial(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
	<-ctx.Done()
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
}

func compareAnswers() cmp.Option {
	return cmp.Options{
		cmpopts.IgnoreFields(Answer{}, "First", "Latency", "Detail"),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	}
}
