// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// The dot keeps the search domains of the machine out.
const (
	dnsHost = "us-east.example.com."
	dnsURL  = "http://" + dnsHost + ":8000"
)

// nameServer has the operators that are started from now on ask a name server of their own.
func (w *world) nameServer() *lab.DNSServer {
	w.t.Helper()
	s, err := lab.NewDNSServer(w.address(200) + ":53")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			w.t.Error(err)
		}
	})
	w.lookup = probe.DNS{Dial: s.Dial}
	return s
}

// awaitQuestions waits until the operator has asked for the addresses of dnsHost so many times more.
func (w *world) awaitQuestions(s *lab.DNSServer, network string, n int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := s.AwaitQuestions(ctx, network, dnsHost, n); err != nil {
		w.t.Fatal(err)
	}
}

// applyNamed makes the LLMBackend chat, whose us-east is dnsHost.
func (w *world) applyNamed(edits ...edit) (west *lab.Region) {
	w.t.Helper()
	west = w.region(9)
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", dnsURL).secondary("eu-west", west.URL()).edit(edits...).obj())
	return west
}

// Records that change are followed when their time is over: after a second here, then after an hour.
func TestDNSChanges(t *testing.T) {
	w := newWorld(t)
	one, two := w.region(0), w.region(1)
	names := w.nameServer()
	names.Set(dnsHost, 1, w.address(0))
	w.applyNamed()
	w.awaitActive("chat", "us-east")
	w.wantSlices(chatSlice + " seq=0 " + one.Addr())

	names.Set(dnsHost, 3600, w.address(0), w.address(1))
	w.awaitSlices(chatSlice + " seq=0 " + w.address(0) + "," + two.Addr())
	names.Set(dnsHost, 1, w.address(1))
	w.awaitProbes(4, one)
	w.wantSlices(chatSlice + " seq=0 " + w.address(0) + "," + two.Addr())
	w.wantHistory(w.get("chat"))
}

// Both kinds of records of one name serve both families of a Service.
func TestDNSBothFamilies(t *testing.T) {
	w := newWorld(t)
	east4, east6 := w.region(0), w.region6(0)
	w.nameServer().Set(dnsHost, 60, w.address(0), w.address6(0))
	w.applyNamed(ipFamilies(llmv1alpha1.IPv4, llmv1alpha1.IPv6))
	w.awaitActive("chat", "us-east")
	w.wantSlices(chatSlice+" seq=0 "+east4.Addr(), "chat-breakwater-ipv6 seq=0 "+w.address6(0)+":8000")
	w.awaitProbes(1, east4, east6)
}

// An answer that does not fit into a datagram is asked for again over TCP.
func TestDNSTruncated(t *testing.T) {
	w := newWorld(t)
	names := w.nameServer()
	var addresses []string
	for i := range 60 {
		addresses = append(addresses, w.address(10+i))
	}
	for i := range 16 { // as many as are used, and the lowest ones
		w.region(10 + i)
	}
	names.Set(dnsHost, 1, addresses...)
	w.applyNamed()
	w.awaitActive("chat", "us-east")
	w.awaitSlices(fmt.Sprintf("%s seq=0 %s:8000", chatSlice, strings.Join(addresses[:16], ",")))
	w.awaitQuestions(names, "tcp", 2)
	names.Set(dnsHost, 1, addresses[0])
	w.awaitSlices(fmt.Sprintf("%s seq=0 %s:8000", chatSlice, addresses[0]))
}

// A name that does not exist is a region that fails, and recovers when the name comes.
func TestDNSNoSuchName(t *testing.T) {
	w := newWorld(t)
	east, names := w.region(0), w.nameServer()
	w.applyNamed()
	b := w.awaitActive("chat", "eu-west")
	if reason := newest(b, llmv1alpha1.TransitionBreakerOpened).Reason; reason != "NameNotFound" {
		t.Errorf("opened for the reason %s, want NameNotFound", reason)
	}
	names.Set(dnsHost, 60, w.address(0))
	b = w.awaitActive("chat", "us-east")
	w.wantSlices(sliceOf(b) + east.Addr())
}

// Addresses once found stay good while the name server denies them, or says nothing. A server that has never
// answered says nothing about a region.
func TestDNSFailsLater(t *testing.T) {
	for what, goWrong := range map[string]func(*lab.DNSServer){
		"the name is gone":                func(s *lab.DNSServer) { s.Set(dnsHost, 1) },
		"the name server does not answer": func(s *lab.DNSServer) { s.Silence(true) },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			east, names := w.region(0), w.nameServer()
			names.Set(dnsHost, 1, w.address(0))
			w.applyNamed()
			b := w.awaitActive("chat", "us-east")
			before := w.sliceVersions()
			goWrong(names)
			w.awaitQuestions(names, "udp", 3) // a look-up that has no answer asks twice; so one has ended
			w.awaitProbes(2, east)
			w.wantHistory(b)
			if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
				t.Errorf("slices were written (-before +after):\n%s", diff)
			}
		})
	}
}

func TestDNSSilentFromTheBeginning(t *testing.T) {
	w := newWorld(t)
	east, names := w.region(0), w.nameServer()
	names.Set(dnsHost, 60, w.address(0))
	names.Silence(true)
	w.applyNamed()
	b := w.awaitCondition("chat", "ProbeInconclusive=True NoReadableAnswer")
	w.wantHistory(b)
	w.wantSlices()
	names.Silence(false)
	w.awaitCondition("chat", "Ready=True Serving")
	w.wantSlices(chatSlice + " seq=0 " + east.Addr())
}
