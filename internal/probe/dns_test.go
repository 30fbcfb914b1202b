// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// message is a DNS message that answers a question for addresses.
func message(tb testing.TB, rcode dnsmessage.RCode, edit func(*dnsmessage.Message)) []byte {
	tb.Helper()
	name := dnsmessage.MustNewName("vllm.example.com.")
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, Response: true, RCode: rcode},
		Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	edit(&m)
	packed, err := m.Pack()
	if err != nil {
		tb.Fatal(err)
	}
	return packed
}

func resource(ttl uint32, body dnsmessage.ResourceBody) dnsmessage.Resource {
	name := dnsmessage.MustNewName("vllm.example.com.")
	return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: ttl}, Body: body}
}

func a(ttl uint32) dnsmessage.Resource {
	return resource(ttl, &dnsmessage.AResource{A: [4]byte{10, 1, 0, 10}})
}
func aaaa(ttl uint32) dnsmessage.Resource {
	return resource(ttl, &dnsmessage.AAAAResource{AAAA: [16]byte{0xfd, 15: 1}})
}
func alias(ttl uint32) dnsmessage.Resource {
	return resource(ttl, &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("other.example.com.")})
}
func ns(ttl uint32) dnsmessage.Resource {
	return resource(ttl, &dnsmessage.NSResource{NS: dnsmessage.MustNewName("ns.example.com.")})
}
func soa(ttl, minimum uint32) dnsmessage.Resource {
	name := dnsmessage.MustNewName("ns.example.com.")
	return resource(ttl, &dnsmessage.SOAResource{NS: name, MBox: name, MinTTL: minimum})
}

func TestLifetimes(t *testing.T) {
	type records []dnsmessage.Resource
	const ok, nx, servfail = dnsmessage.RCodeSuccess, dnsmessage.RCodeNameError, dnsmessage.RCodeServerFailure
	type answer struct {
		rcode              dnsmessage.RCode
		answers, authority records
	}
	for name, test := range map[string]struct {
		messages       []answer
		answer, denial time.Duration
	}{
		"nothing":               {nil, -1, -1},
		"an address":            {[]answer{{ok, records{a(60)}, nil}}, time.Minute, -1},
		"an IPv6 address":       {[]answer{{ok, records{aaaa(60)}, nil}}, time.Minute, -1},
		"zero":                  {[]answer{{ok, records{a(0)}, nil}}, 0, -1},
		"the shortest counts":   {[]answer{{ok, records{a(60), a(20), a(40)}, nil}}, 20 * time.Second, -1},
		"also of an alias":      {[]answer{{ok, records{alias(5), a(60)}, nil}}, 5 * time.Second, -1},
		"no such name":          {[]answer{{nx, nil, records{soa(300, 30)}}}, -1, 30 * time.Second},
		"the TTL of the SOA":    {[]answer{{nx, nil, records{soa(10, 30)}}}, -1, 10 * time.Second},
		"behind another record": {[]answer{{nx, nil, records{ns(5), soa(300, 30)}}}, -1, 30 * time.Second},
		"no such record":        {[]answer{{ok, nil, records{soa(300, 30)}}}, -1, 30 * time.Second},
		"an alias to nothing":   {[]answer{{ok, records{alias(5)}, records{soa(300, 30)}}}, -1, 30 * time.Second},
		"no SOA":                {[]answer{{nx, nil, nil}}, -1, -1},
		"a failure says nothing": {[]answer{
			{servfail, nil, records{soa(300, 30)}},
		}, -1, -1},
		"search domains before": {[]answer{
			{nx, nil, records{soa(5, 5)}}, {nx, nil, records{soa(300, 3)}}, {ok, records{a(60)}, nil},
		}, time.Minute, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			seen := &lifetimes{answer: -1, denial: -1}
			for _, m := range test.messages {
				seen.note(message(t, m.rcode, func(d *dnsmessage.Message) { d.Answers, d.Authorities = m.answers, m.authority }))
			}
			answer, denial := seen.of(nil), seen.of(errors.New("not found"))
			if answer != test.answer || denial != test.denial {
				t.Errorf("answer holds %s, denial %s; want %s and %s", answer, denial, test.answer, test.denial)
			}
		})
	}
}

func TestLifetimesOfAQuestion(t *testing.T) {
	seen := &lifetimes{answer: -1, denial: -1}
	seen.note(message(t, dnsmessage.RCodeSuccess, func(m *dnsmessage.Message) {
		m.Response, m.Answers = false, []dnsmessage.Resource{a(60)}
	}))
	if got := seen.of(nil); got != -1 {
		t.Errorf("a question holds %s", got)
	}
}

// A server may say what it likes.
func FuzzLifetimes(f *testing.F) {
	whole := message(f, dnsmessage.RCodeSuccess, func(m *dnsmessage.Message) {
		m.Answers, m.Authorities = []dnsmessage.Resource{alias(5), a(60)}, []dnsmessage.Resource{ns(5), soa(300, 30)}
	})
	for n := range whole {
		f.Add(whole[:n+1])
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		seen := &lifetimes{answer: -1, denial: -1}
		seen.note(message)
		if seen.answer < -1 || seen.denial < -1 {
			t.Errorf("answer holds %s, denial %s", seen.answer, seen.denial)
		}
	})
}

// readerConn is a connection from which something is read.
type readerConn struct {
	net.Conn
	io.Reader
}

func (c readerConn) Read(b []byte) (int, error) { return c.Reader.Read(b) }

// Over TCP messages come in pieces, one after the other.
func TestLifetimesOverTCP(t *testing.T) {
	var stream []byte
	for _, ttl := range []uint32{60, 30} {
		m := message(t, dnsmessage.RCodeSuccess, func(m *dnsmessage.Message) { m.Answers = []dnsmessage.Resource{a(ttl)} })
		stream = append(binary.BigEndian.AppendUint16(stream, uint16(len(m))), m...)
	}
	for name, reader := range map[string]io.Reader{
		"at once":      bytes.NewReader(stream),
		"byte by byte": iotest.OneByteReader(bytes.NewReader(stream)),
	} {
		t.Run(name, func(t *testing.T) {
			seen := &lifetimes{answer: -1, denial: -1}
			got, err := io.ReadAll(seen.watch(readerConn{Reader: reader}))
			if err != nil || !bytes.Equal(got, stream) {
				t.Errorf("the stream was changed: %v", err)
			}
			if answer := seen.of(nil); answer != 30*time.Second {
				t.Errorf("answer holds %s, want 30s", answer)
			}
		})
	}
}
