// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"google.golang.org/grpc"
	grpccredentials "google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	corev1 "k8s.io/api/core/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

// issued is a certificate with its key, in PEM.
type issued struct{ certificate, key string }

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"}, IsCA: true, BasicConstraintsValid: true,
		NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return a
}

func (a *authority) issue(t *testing.T, name string) issued {
	t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return issued{
		certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		key:         string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
	}
}

func (i issued) pair(t *testing.T) tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(i.certificate), []byte(i.key))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// serveHTTPS serves at the n-th address of this world.
func (w *world) serveHTTPS(n int, config *tls.Config, handler http.Handler) (url string) {
	w.t.Helper()
	listener, err := tls.Listen("tcp", w.address(n)+":8443", config)
	if err != nil {
		w.t.Fatal(err)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
	}
	go func() { _ = server.Serve(listener) }()
	w.t.Cleanup(func() { _ = server.Close() })
	return "https://" + listener.Addr().String()
}

// A region is healthy by its own authority, another server name and a certificate for the probe; without any of these,
// or with a TLS that is too old, it is not.
func TestTLSSettings(t *testing.T) {
	w := newWorld(t)
	ours := newAuthority(t)
	pool := x509.NewCertPool()
	pool.AddCert(ours.certificate)
	modern := &tls.Config{Certificates: []tls.Certificate{ours.issue(t, "llm.example.com").pair(t)}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	old := &tls.Config{Certificates: modern.Certificates, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}

	client := ours.issue(t, "probe")
	w.putSecret("client", map[string]string{corev1.TLSCertKey: client.certificate, corev1.TLSPrivateKeyKey: client.key})
	w.create(&corev1.ConfigMap{Data: map[string]string{"ca.crt": ours.pem}}, "ours", w.ns)
	w.putSecret("ours", map[string]string{"ca.crt": ours.pem})
	w.start()
	for n, test := range []struct {
		name   string
		server *tls.Config
		edit   func(*llmv1alpha1.ProbeTLS)
		reason string
	}{
		{"all", modern, func(*llmv1alpha1.ProbeTLS) {}, ""},
		{"ca-in-secret", modern, func(s *llmv1alpha1.ProbeTLS) { s.CACertificateRef.Kind = llmv1alpha1.CACertificateSecret }, ""},
		{"no-ca", modern, func(s *llmv1alpha1.ProbeTLS) { s.CACertificateRef = llmv1alpha1.CACertificateReference{} }, "TLSError"},
		{"no-server-name", modern, func(s *llmv1alpha1.ProbeTLS) { s.ServerName = "" }, "TLSError"},
		{"no-client-certificate", modern, func(s *llmv1alpha1.ProbeTLS) { s.ClientCertificateRef = llmv1alpha1.ClientCertificateReference{} }, "TLSError"},
		{"too-old", old, func(*llmv1alpha1.ProbeTLS) {}, "TLSError"},
	} {
		settings := &llmv1alpha1.ProbeTLS{
			ServerName:           "llm.example.com",
			CACertificateRef:     llmv1alpha1.CACertificateReference{Kind: llmv1alpha1.CACertificateConfigMap, Name: "ours"},
			ClientCertificateRef: llmv1alpha1.ClientCertificateReference{Name: "client"},
		}
		test.edit(settings)
		server := lab.NewDialectServer(lab.VLLM)
		w.apply(makeLLMBackend(test.name).primary("us-east", w.serveHTTPS(n, test.server, server)).
			edit(func(s *llmv1alpha1.LLMBackendSpec) { s.Probe.TLS = settings }).obj())
		if test.reason != "" {
			w.wantVerdict(test.name, test.reason)
		} else {
			w.wantHealthy(test.name, server)
		}
	}
}

// The health service of a real gRPC server, with and without TLS, as a whole and for one service.
func TestGRPCProbe(t *testing.T) {
	w := newWorld(t)
	ours := newAuthority(t)
	pair := ours.issue(t, "chat.example.com").pair(t)
	w.create(&corev1.ConfigMap{Data: map[string]string{"ca.crt": ours.pem}}, "ours", w.ns)
	status := health.NewServer()
	status.SetServingStatus("llm", grpc_health_v1.HealthCheckResponse_SERVING)
	plain := w.serveGRPC(0, status)
	secure := w.serveGRPC(1, status, grpc.Creds(grpccredentials.NewServerTLSFromCert(&pair)))
	w.start()
	asks := func(service string) edit {
		return func(s *llmv1alpha1.LLMBackendSpec) {
			s.Probe.Type, s.Probe.GRPC.Service = llmv1alpha1.ProbeGRPC, service
		}
	}
	w.apply(makeLLMBackend("whole").primary("us-east", "http://"+plain).edit(asks("")).obj())
	w.apply(makeLLMBackend("one").primary("us-east", "http://"+plain).edit(asks("llm")).obj())
	w.apply(makeLLMBackend("none").primary("us-east", "http://"+plain).edit(asks("nobody")).obj())
	w.apply(makeLLMBackend("secure").primary("us-east", "https://"+secure).edit(asks("llm"), func(s *llmv1alpha1.LLMBackendSpec) {
		s.Service.Hostname = "chat.example.com"
		s.Probe.TLS = &llmv1alpha1.ProbeTLS{CACertificateRef: llmv1alpha1.CACertificateReference{Name: "ours"}}
	}).obj())
	w.wantVerdict("none", "[NotFound]")
	for _, name := range []string{"whole", "one", "secure"} {
		w.wantHistory(w.awaitCondition(name, "Ready=True Serving"))
	}

	status.SetServingStatus("llm", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	w.wantVerdict("one", "NotServing")
	w.wantVerdict("secure", "NotServing")
	w.wantHistory(w.get("whole"))
	status.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	w.wantVerdict("whole", "NotServing")
	status.SetServingStatus("llm", grpc_health_v1.HealthCheckResponse_SERVING)
	w.awaitClosed("one", "us-east")
	w.awaitClosed("secure", "us-east")
}

// serveGRPC serves the health service at the n-th address of this world.
func (w *world) serveGRPC(n int, status *health.Server, opts ...grpc.ServerOption) (address string) {
	w.t.Helper()
	listener, err := net.Listen("tcp", w.address(n)+":9000")
	if err != nil {
		w.t.Fatal(err)
	}
	server := grpc.NewServer(opts...)
	grpc_health_v1.RegisterHealthServer(server, status)
	go func() { _ = server.Serve(listener) }()
	w.t.Cleanup(server.Stop)
	return listener.Addr().String()
}
