// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// nameServer is where the zone is served: the control plane's address.
const nameServer = "10.0.0.1:53"

// recordTTL is that of every answer, in seconds.
const recordTTL = 1

// zone is a small name server of A records, which every program in the lab asks.
type zone struct {
	conn net.PacketConn
	done sync.WaitGroup

	mu      sync.Mutex
	records map[string][4]byte // by name, with the dot at the end
}

// serveNames starts a name server, and names it in /etc/resolv.conf of the lab's
// own mount namespace.
func serveNames() (*zone, error) {
	config := filepath.Join(os.TempDir(), "resolv.conf")
	host, _, _ := net.SplitHostPort(nameServer)
	if err := os.WriteFile(config, []byte("nameserver "+host+"\n"), 0o644); err != nil {
		return nil, err
	}
	if err := unix.Mount(config, "/etc/resolv.conf", "", unix.MS_BIND, ""); err != nil {
		return nil, fmt.Errorf("putting a resolv.conf in place: %w", err)
	}
	conn, err := net.ListenPacket("udp", nameServer)
	if err != nil {
		return nil, err
	}
	z := &zone{conn: conn, records: map[string][4]byte{}}
	z.done.Go(z.serve)
	return z, nil
}

// set gives a name an address, from the next answer on.
func (z *zone) set(name, ip string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.records[name+"."] = [4]byte(net.ParseIP(ip).To4())
}

func (z *zone) close() error {
	err := z.conn.Close()
	z.done.Wait()
	return errors.Join(err, unix.Unmount("/etc/resolv.conf", 0))
}

func (z *zone) serve() {
	buffer := make([]byte, 512)
	for {
		n, from, err := z.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		if answer, err := z.answer(buffer[:n]); err == nil {
			_, _ = z.conn.WriteTo(answer, from)
		}
	}
}

// answer answers a question for A; other types have no records, and other
// names do not exist.
func (z *zone) answer(packet []byte) ([]byte, error) {
	var question dnsmessage.Message
	if err := question.Unpack(packet); err != nil || len(question.Questions) != 1 {
		return nil, errors.Join(err, errors.New("not one question"))
	}
	q := question.Questions[0]
	reply := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: question.ID, Response: true, Authoritative: true},
		Questions: question.Questions,
	}
	z.mu.Lock()
	ip, known := z.records[q.Name.String()]
	z.mu.Unlock()
	switch {
	case !known:
		reply.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		reply.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: recordTTL},
			Body:   &dnsmessage.AResource{A: ip},
		}}
	}
	return reply.Pack()
}
