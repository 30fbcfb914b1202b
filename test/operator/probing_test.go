// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// A TCP probe asks no more than a connection.
func TestTCPProbe(t *testing.T) {
	w := newWorld(t)
	east, west := w.region(0), w.region(1)
	w.set(east, lab.Status(503))
	w.set(west, lab.Status(503))
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", east.URL()).secondary("eu-west", west.URL()).
		edit(func(s *llmv1alpha1.LLMBackendSpec) { s.Probe.Type = llmv1alpha1.ProbeTCP }).obj())
	b := w.awaitActive("chat", "us-east")
	w.awaitConnections(east, 4)
	w.wantHistory(b)

	w.set(east, lab.Refuse())
	b = w.awaitActive("chat", "eu-west")
	w.wantHistory(b, "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
	if reason := newest(b, llmv1alpha1.TransitionBreakerOpened).Reason; reason != "ConnectionRefused" {
		t.Errorf("opened for the reason %s, want ConnectionRefused", reason)
	}
	for _, r := range []*lab.Region{east, west} {
		if diff := cmp.Diff(map[string]int{}, r.Requests()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	}
}

func (w *world) awaitConnections(r *lab.Region, n int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := r.WaitConnections(ctx, n); err != nil {
		w.t.Fatal(err)
	}
}

// A region may be asked in its own way, but always with the Host that clients send.
func TestProbeOverride(t *testing.T) {
	w := newWorld(t)
	east, west, south := w.region(0), w.region(1), w.region(2)
	hosts := make(chan string, 1000)
	for _, r := range []*lab.Region{east, west} {
		r.OnRequest(func(req *http.Request) { hosts <- req.Host })
	}
	w.start()
	w.apply(makeLLMBackend("chat").
		primary("us-east", east.URL()).secondary("eu-west", west.URL()).secondary("eu-south", south.URL()).
		edit(func(s *llmv1alpha1.LLMBackendSpec) {
			s.Service.Port, s.Service.Hostname = 8080, "llm.example.com"
			s.Secondaries[0].Probe = &llmv1alpha1.ProbeOverride{HTTP: &llmv1alpha1.HTTPProbeOverride{Path: new("/ready?model=demo")}}
			s.Secondaries[1].Probe = &llmv1alpha1.ProbeOverride{Type: new(llmv1alpha1.ProbeTCP)}
		}).obj())
	w.awaitActive("chat", "us-east")
	for _, r := range []*lab.Region{east, west, south} {
		w.awaitConnections(r, 3)
	}
	w.stop()
	for _, test := range []struct {
		region *lab.Region
		paths  []string
	}{{east, []string{"/health"}}, {west, []string{"/ready"}}, {south, nil}} {
		var paths []string
		for path := range test.region.Requests() {
			paths = append(paths, path)
		}
		if diff := cmp.Diff(test.paths, paths); diff != "" {
			t.Errorf("paths asked for at %s (-want +got):\n%s", test.region.Addr(), diff)
		}
	}
	for range len(hosts) {
		if host := <-hosts; host != "llm.example.com:8080" {
			t.Fatalf("Host %q, want llm.example.com:8080", host)
		}
	}
}

// A region whose certificate is not valid for what clients call is of no use to them.
func TestRegionWithABadCertificate(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", w.badlyCertified(0)).secondary("eu-west", w.badlyCertified(1)).obj())
	w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonNoHealthyRegion)
	b := w.awaitOpen("chat", "eu-west")
	w.wantHistoryReasons(b, "BreakerOpened TLSError", "BreakerOpened TLSError")
	if b.Status.ActiveRegion != "us-east" {
		t.Errorf("active region %s, want us-east", b.Status.ActiveRegion)
	}
}

func (w *world) wantHistoryReasons(b *llmv1alpha1.LLMBackend, want ...string) {
	w.t.Helper()
	var reasons []string
	for _, h := range b.Status.History {
		reasons = append(reasons, string(h.Type)+" "+h.Reason)
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		w.t.Errorf("history (-want +got):\n%s", diff)
	}
}

// badlyCertified starts an https server at the n-th address, healthy but for a certificate that nobody trusts.
func (w *world) badlyCertified(n int) (url string) {
	w.t.Helper()
	listener, err := net.Listen("tcp", w.address(n)+":8443")
	if err != nil {
		w.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	if err := server.Listener.Close(); err != nil {
		w.t.Fatal(err)
	}
	server.Listener = listener
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	w.t.Cleanup(server.Close)
	return server.URL
}
