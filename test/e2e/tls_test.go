// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/breakwater-dev/breakwater/test/lab"
	"github.com/breakwater-dev/breakwater/test/load"
)

// ourselves is the authority that operators trust, as they trust the system's.
var ourselves struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// trustOurselves makes the authority, and has everything that is started from
// now on take it for the system's only one.
func trustOurselves() (err error) {
	if ourselves.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the lab"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &ourselves.key.PublicKey, ourselves.key)
	if err != nil {
		return err
	}
	if ourselves.certificate, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	file := filepath.Join(os.TempDir(), "authority.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return err
	}
	return os.Setenv("SSL_CERT_FILE", file)
}

// certificate is valid for a name until a time.
func certificate(t *testing.T, host string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(until.UnixNano()), DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ourselves.certificate, &key.PublicKey, ourselves.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// A certificate that expires is a region that fails, for clients and operator alike.
func TestCertificateExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host := name + "." + w.ns + ".svc"
	expires := time.Now().Add(15 * time.Second).Truncate(time.Second)
	w.region(0, 0, lab.WithCertificate(certificate(t, host, expires)))
	w.region(1, 0, lab.WithCertificate(certificate(t, host, expires.Add(time.Hour))))
	b := w.backend()
	b.Spec.Service.Port = 443
	b.Spec.Primary.Endpoint.URL = "https://" + w.addr(0, 0)
	b.Spec.Secondaries[0].Endpoint.URL = "https://" + w.addr(1, 0)
	w.create(b)

	roots := x509.NewCertPool()
	roots.AddCert(ourselves.certificate)
	w.call(func(o *load.Options) {
		o.URL = "https" + o.URL[len("http"):]
		o.Host = host
		o.TLS = &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12}
	})
	w.awaitAnswer(primary, time.Time{})
	w.wantNoErrors()

	t.Log(w.awaitAnswer(secondary, time.Time{}))
	left := w.awaitActive(secondary)
	if opened := left.Status.History[len(left.Status.History)-1]; opened.Reason != "TLSError" {
		t.Errorf("the breaker opened for %s; want TLSError", opened.Reason)
	}
}
