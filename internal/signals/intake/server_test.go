// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	certutil "k8s.io/client-go/util/cert"
)

// startServer serves on loopback and returns the address.
func startServer(t *testing.T, options Options) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	options.Address = listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	options.Leads = func() bool { return true }
	ended := make(chan error, 1)
	server := NewServer(options, &sink{}, &apiServer{})
	go func() { ended <- server.Start(t.Context()) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("tcp", options.Address)
		if err == nil {
			_ = conn.Close()
			return options.Address
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func send(client *http.Client, addr string) (*http.Response, error) {
	request, err := http.NewRequest(http.MethodPost, "https://"+addr+good, bytes.NewBufferString(one))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer gateway")
	return client.Do(request)
}

// writePair writes a certificate for 127.0.0.1 of its own and returns who trusts it.
func writePair(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	certificate, key, err := certutil.GenerateSelfSignedCertKey("localhost", []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"tls.key": key, "tls.crt": certificate} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	return pool
}

// A renewed certificate is shown without a restart.
func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := writePair(t, dir)
	addr := startServer(t, Options{CertDir: dir})
	trusting := func(pool *x509.CertPool) *http.Client {
		return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	}
	response, err := send(trusting(first), addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusAccepted || response.ProtoMajor != 1 {
		t.Errorf("%s over %s, want 202 over HTTP/1.1", response.Status, response.Proto)
	}
	second := writePair(t, dir)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		response, err := send(trusting(second), addr)
		if err == nil {
			_ = response.Body.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func TestWithoutCertificate(t *testing.T) {
	if err := NewServer(Options{Address: "127.0.0.1:0", CertDir: t.TempDir()}, &sink{}, &apiServer{}).Start(t.Context()); err == nil {
		t.Error("a folder without certificate is taken")
	}
}

// Senders that say nothing hold no connection for long, and plain HTTP and long heads are refused.
func TestBadSenders(t *testing.T) {
	t.Parallel()
	addr := startServer(t, Options{})
	insecure := &tls.Config{InsecureSkipVerify: true}
	silent, err := tls.Dial("tcp", addr, insecure)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	began := time.Now()
	if n, _ := io.Copy(io.Discard, silent); n > 0 {
		t.Errorf("%d bytes are sent to a sender that says nothing", n)
	}
	if took := time.Since(began); took > 3*headTimeout {
		t.Errorf("a silent sender is kept for %s, want %s", took, headTimeout)
	}

	long, err := tls.Dial("tcp", addr, insecure)
	if err != nil {
		t.Fatal(err)
	}
	defer long.Close()
	if _, err := fmt.Fprintf(long, "POST %s HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n", good, bytes.Repeat([]byte("x"), 4*maxHead)); err != nil {
		t.Logf("cut off while sending: %v", err)
	}
	answer, _ := io.ReadAll(io.LimitReader(long, 1024))
	if len(answer) > 0 && !bytes.Contains(answer, []byte(" 431 ")) {
		t.Errorf("a head of %d bytes is answered with %q", 4*maxHead, answer)
	}
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}}}
	if _, err := send(old, addr); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

// Beyond the cap a sender waits until another one has gone.
func TestConnectionCap(t *testing.T) {
	t.Parallel()
	addr := startServer(t, Options{})
	began := time.Now()
	var idle []net.Conn
	for range maxConnections {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, conn)
	}
	leave := func() {
		for _, conn := range idle {
			_ = conn.Close()
		}
	}
	defer leave()
	served := make(chan error, 1)
	go func() {
		conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			err = conn.Close()
		}
		served <- err
	}()
	select {
	case <-served:
		if time.Since(began) < headTimeout { // after that the idle ones are gone
			t.Errorf("%d connections, and one more is served", maxConnections)
		}
		return
	case <-time.After(200 * time.Millisecond):
	}
	leave()
	if err := <-served; err != nil {
		t.Errorf("not served when the others have gone: %v", err)
	}
}
