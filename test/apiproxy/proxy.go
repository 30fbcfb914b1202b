// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apiproxy stands between an operator and its API server, and does to
// their connection what networks and API servers do: it loses requests and
// answers, refuses, delays, and shows an old state of the world.
//
// Writes are numbered in the order in which they arrive, so that a test can do
// something at each of them. Two kinds are not: those of events, because they
// are recorded in the background, at another place in each run, and nothing is
// decided by them; and those of leases, because they come by the clock.
package apiproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// Proxy is the API server as one operator sees it. All methods may be called
// concurrently.
type Proxy struct {
	upstream  *url.URL
	transport http.RoundTripper
	namespace string

	listener *listener
	server   *http.Server
	served   chan struct{} // closed when the server has ended

	mu        sync.Mutex
	intercept Interceptor
	writes    []*Write // since the newest Intercept
	views     map[string]view
	changed   chan struct{} // closed and replaced with each change of views
}

// New starts a proxy on the loopback interface that passes requests on to the
// API server of config, with the rights of its user. Lists and watches of a
// whole cluster are narrowed to the namespace, so that several operators can
// run beside each other. The caller closes it.
func New(config *rest.Config, namespace string) (*Proxy, error) {
	upstream, err := url.Parse(config.Host)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	p := &Proxy{
		upstream: upstream, transport: transport, namespace: namespace,
		listener: &listener{Listener: inner, conns: map[net.Conn]bool{}},
		served:   make(chan struct{}),
		views:    map[string]view{},
		changed:  make(chan struct{}),
	}
	p.server = &http.Server{Handler: http.HandlerFunc(p.serve), ReadHeaderTimeout: time.Minute}
	go func() {
		defer close(p.served)
		// It ends with http.ErrServerClosed, when Close says so.
		_ = p.server.Serve(p.listener)
	}()
	return p, nil
}

// Close ends every connection and the proxy.
func (p *Proxy) Close() {
	p.server.Close()
	<-p.served
}

// WriteKubeconfig writes a kubeconfig file that leads to the proxy.
func (p *Proxy) WriteKubeconfig(path string) error {
	content := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: proxy
contexts: [{name: proxy, context: {cluster: proxy, user: proxy}}]
clusters: [{name: proxy, cluster: {server: "http://%s"}}]
users: [{name: proxy, user: {}}]
`, p.listener.Addr())
	return os.WriteFile(path, []byte(content), 0o600)
}

// Cut ends every connection, and every new one at once, until Restore.
func (p *Proxy) Cut() { p.listener.cut() }

// Restore takes connections again.
func (p *Proxy) Restore() { p.listener.restore() }

func (p *Proxy) serve(w http.ResponseWriter, req *http.Request) {
	switch {
	case req.URL.Query().Has("watch"):
		p.serveWatch(w, req)
	case numbered(req):
		p.serveWrite(w, req)
	default:
		p.serveOther(w, req)
	}
}

// serveOther passes a request on and its answer back.
func (p *Proxy) serveOther(w http.ResponseWriter, req *http.Request) {
	response, err := p.send(req)
	if err != nil {
		hangUp(w)
		return
	}
	answer, err := answerOf(response)
	if err != nil {
		hangUp(w)
		return
	}
	answer.writeTo(w)
}

// send sends a request to the API server, in JSON alone.
func (p *Proxy) send(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.RequestURI = ""
	out.URL.Scheme, out.URL.Host = p.upstream.Scheme, p.upstream.Host
	out.URL.Path = narrow(req.Method, req.URL.Path, p.namespace)
	out.Host = ""
	out.Header.Del("Accept-Encoding") // the transport asks for it, and unpacks
	if strings.Contains(req.Header.Get("Accept"), "protobuf") {
		out.Header.Set("Accept", "application/json")
	}
	response, err := p.transport.RoundTrip(out)
	if err != nil && !errors.Is(err, context.Canceled) {
		return nil, fmt.Errorf("%s %s: %w", req.Method, req.URL.Path, err)
	}
	return response, err
}

// narrowed are the resources that operators watch in the whole cluster.
var narrowed = [...]string{"services", "endpointslices", "llmbackends"}

// narrow puts a namespace into the path of a request for all objects of a kind
// in the cluster.
func narrow(method, path, namespace string) string {
	if method != http.MethodGet {
		return path
	}
	for _, resource := range narrowed {
		if group, ok := strings.CutSuffix(path, "/"+resource); ok && !strings.Contains(path, "/namespaces/") {
			return group + "/namespaces/" + namespace + "/" + resource
		}
	}
	return path
}

// resourceOf returns the resource that a path is about, as "services" or
// "llmbackends/status".
func resourceOf(path string) string {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	before := 3 // apis, group, version
	if segments[0] == "api" {
		before = 2
	}
	segments = segments[min(before, len(segments)):]
	if len(segments) > 2 && segments[0] == "namespaces" {
		segments = segments[2:]
	}
	switch len(segments) {
	case 0:
		return ""
	case 3:
		return segments[0] + "/" + segments[2]
	default:
		return segments[0]
	}
}

// hangUp ends the connection without an answer.
func hangUp(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		conn.Close()
	}
}
