// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"golang.org/x/net/netutil"
	"k8s.io/apimachinery/pkg/types"
	certutil "k8s.io/client-go/util/cert"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Bounds on connections.
const (
	maxConnections = 512
	headTimeout    = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 15 * time.Second
	idleTimeout    = 30 * time.Second
	maxHead        = 16 << 10
	stopTimeout    = 5 * time.Second
)

// Options of a [Server].
type Options struct {
	// Address to listen on, such as ":9443".
	Address string
	// CertDir has tls.crt and tls.key, which are read again when they change. Without it the certificate is made up,
	// and signed by itself.
	CertDir string
	// Service leads to the replica that leads; empty if somebody else sees to that.
	Service types.NamespacedName
	// Leads says whether this replica does.
	Leads func() bool
}

// Server takes outcomes over HTTPS. Every replica runs one, and those that do not lead say so.
type Server struct {
	options Options
	handler http.Handler
}

// NewServer returns a Server that hands outcomes to sink. api is asked for reviews.
func NewServer(options Options, sink Sink, api creator) *Server {
	elsewhere := "the one that holds the Lease of the leader election"
	if options.Service.Name != "" {
		elsewhere = fmt.Sprintf("the Service %s, on a new connection", options.Service)
	}
	h := &handler{sink: sink, reviews: newReviews(api), limits: newLimits(), leads: options.Leads, elsewhere: elsewhere}
	return &Server{options: options, handler: h.mux()}
}

// NeedLeaderElection returns false: every replica answers.
func (s *Server) NeedLeaderElection() bool { return false }

// Start serves until ctx ends.
func (s *Server) Start(ctx context.Context) error {
	certificate, watch, err := s.certificate()
	if err != nil {
		return fmt.Errorf("outcomes: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.options.Address)
	if err != nil {
		return fmt.Errorf("outcomes: %w", err)
	}
	if watch != nil {
		go func() {
			if err := watch(ctx); err != nil {
				log.FromContext(ctx).Error(err, "The certificate of the outcomes endpoint is no longer read again")
			}
		}()
	}
	return s.serve(ctx, listener, certificate)
}

// serve takes HTTP/1.1 alone: one connection is one request at a time, so that the cap on connections holds.
func (s *Server) serve(ctx context.Context, listener net.Listener, certificate getCertificate) error {
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: headTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHead,
		ErrorLog:       stdlog.New(io.Discard, "", 0), // whoever knocks could fill the log
		BaseContext:    func(net.Listener) context.Context { return ctx },
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		stopped <- server.Shutdown(bounded)
	}()
	secure := tls.NewListener(netutil.LimitListener(listener, maxConnections), &tls.Config{
		GetCertificate: certificate, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	})
	if err := server.Serve(secure); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("outcomes: %w", err)
	}
	return <-stopped
}

type getCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// certificate returns where the certificate comes from, and what keeps it up to date, if anything does.
func (s *Server) certificate() (getCertificate, func(context.Context) error, error) {
	if s.options.CertDir != "" {
		watcher, err := certwatcher.New(filepath.Join(s.options.CertDir, "tls.crt"), filepath.Join(s.options.CertDir, "tls.key"))
		if err != nil {
			return nil, nil, fmt.Errorf("read tls.crt and tls.key: %w", err)
		}
		return watcher.GetCertificate, watcher.Start, nil
	}
	host := "localhost"
	if s.options.Service.Name != "" {
		host = s.options.Service.Name + "." + s.options.Service.Namespace + ".svc"
	}
	certPEM, keyPEM, err := certutil.GenerateSelfSignedCertKey(host, nil, nil)
	if err != nil {
		return nil, nil, err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, nil, err
	}
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &pair, nil }, nil, nil
}
