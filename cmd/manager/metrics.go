// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"

	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// Who may read the metrics.
const (
	// authKubernetes asks the API server who has the token of a request and whether they may get /metrics.
	authKubernetes = "Kubernetes"
	// authClientCertificate asks for a certificate of an authority, and the API server for nothing.
	authClientCertificate = "ClientCertificate"
	// authNone serves plain HTTP to whoever is on the same machine.
	authNone = "None"
)

// metricsOptions are the flags about the metrics endpoint.
type metricsOptions struct {
	address  string
	auth     string
	certDir  string
	clientCA string
}

func (o *metricsOptions) bind(flags *flag.FlagSet) {
	flags.StringVar(&o.address, "metrics-bind-address", "0", "Address of the metrics endpoint; 0 turns it off.")
	flags.StringVar(&o.auth, "metrics-auth", authKubernetes, "Who may read the metrics: Kubernetes (HTTPS; whose token the API server allows to get /metrics), "+
		"ClientCertificate (HTTPS; who has a certificate of --metrics-client-ca) or None (HTTP, on a loopback address only).")
	flags.StringVar(&o.certDir, "metrics-cert-dir", "", "Folder with tls.crt and tls.key of the metrics endpoint; read again when they change. "+
		"Empty means a certificate that the manager signs itself at each start.")
	flags.StringVar(&o.clientCA, "metrics-client-ca", "", "File with the certificates of the authorities whose client certificates may read the metrics; read at each connection.")
}

// validate says what to write instead of flags that contradict each other or let anybody in.
func (o *metricsOptions) validate() error {
	if o.address == "0" {
		return nil
	}
	switch o.auth {
	case authKubernetes:
		if o.clientCA != "" {
			return fmt.Errorf("--metrics-client-ca is for --metrics-auth=%s: write that too, or leave it out", authClientCertificate)
		}
	case authClientCertificate:
		if o.clientCA == "" || o.certDir == "" {
			return fmt.Errorf("--metrics-auth=%s needs --metrics-client-ca and --metrics-cert-dir: write both", authClientCertificate)
		}
	case authNone:
		host, _, err := net.SplitHostPort(o.address)
		if addr, parseErr := netip.ParseAddr(host); err != nil || parseErr != nil || !addr.IsLoopback() {
			return fmt.Errorf("--metrics-auth=%s would let anybody read the metrics on %s: write --metrics-bind-address=127.0.0.1:8080, or another --metrics-auth",
				authNone, o.address)
		}
	default:
		return fmt.Errorf("--metrics-auth=%s is not known: write %s, %s or %s", o.auth, authKubernetes, authClientCertificate, authNone)
	}
	return nil
}

// server returns how the endpoint is served.
func (o *metricsOptions) server() metricsserver.Options {
	options := metricsserver.Options{BindAddress: o.address, SecureServing: o.auth != authNone, CertDir: o.certDir}
	switch o.auth {
	case authKubernetes:
		options.FilterProvider = filters.WithAuthenticationAndAuthorization
	case authClientCertificate:
		options.TLSOpts = append(options.TLSOpts, o.askForCertificate)
	}
	options.TLSOpts = append(options.TLSOpts, func(c *tls.Config) {
		c.MinVersion = tls.VersionTLS12
		c.NextProtos = []string{"http/1.1"} // one scrape is one request
	})
	return options
}

// askForCertificate lets nobody in without a certificate. Its authorities are read at each connection, which are few,
// so that they can be exchanged.
func (o *metricsOptions) askForCertificate(c *tls.Config) {
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		pem, err := os.ReadFile(o.clientCA)
		if err != nil {
			return nil, fmt.Errorf("read --metrics-client-ca: %w", err)
		}
		authorities := x509.NewCertPool()
		if !authorities.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--metrics-client-ca=%s holds no certificate", o.clientCA)
		}
		asking := c.Clone()
		asking.ClientAuth, asking.ClientCAs = tls.RequireAndVerifyClientCert, authorities
		return asking, nil
	}
}
