// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// errNoAnswer means that the API server did not say what an object holds.
var errNoAnswer = errors.New("the API server does not answer")

// caKey is where CA certificates are, as in Gateway API and in the ConfigMap of a cluster's own.
const caKey = "ca.crt"

// maxValue is the longest credential that is sent, in bytes.
const maxValue = 8 << 10

// read reads all that of names. Its errors say what to do, and nothing of what objects hold.
func read(ctx context.Context, reader client.Reader, of translate.Credentials) (probe.Credentials, error) {
	r := objects{ctx: ctx, reader: reader, namespace: of.Namespace}
	var c probe.Credentials
	var err error
	if of.Secret != "" {
		c.Header = of.Header
		if c.Value, err = r.header(of); err != nil {
			return probe.Credentials{}, err
		}
	}
	if of.CA != "" {
		if c.RootCAs, err = r.authorities(of); err != nil {
			return probe.Credentials{}, err
		}
	}
	if of.ClientCertificate != "" {
		if c.Certificate, err = r.certificate(of.ClientCertificate); err != nil {
			return probe.Credentials{}, err
		}
	}
	return c, nil
}

// objects reads objects of one namespace.
type objects struct {
	ctx       context.Context
	reader    client.Reader
	namespace string
}

// header returns the value of the header that carries the credential.
func (r objects) header(of translate.Credentials) (probe.Secret, error) {
	secret, err := r.secret(of.Secret)
	if err != nil {
		return "", err
	}
	value := strings.TrimSpace(string(secret.Data[of.Key]))
	switch {
	case value == "":
		return "", fmt.Errorf("Secret %s has nothing under the key %s: put the credential there", of.Secret, of.Key)
	case len(value) > maxValue || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
		return "", fmt.Errorf("what Secret %s has under the key %s cannot be sent in a header: it must be one line of printable ASCII characters, 8 KiB at most", of.Secret, of.Key)
	case strings.EqualFold(of.Header, "Authorization"):
		value = "Bearer " + value
	}
	return probe.Secret(value), nil
}

// authorities returns the certificates that are trusted.
func (r objects) authorities(of translate.Credentials) (*x509.CertPool, error) {
	var pem []byte
	if of.CAKind == string(llmv1alpha1.CACertificateSecret) {
		secret, err := r.secret(of.CA)
		if err != nil {
			return nil, err
		}
		pem = secret.Data[caKey]
	} else {
		configMap := &corev1.ConfigMap{}
		if err := r.get(configMap, "ConfigMap", of.CA); err != nil {
			return nil, err
		}
		pem = []byte(configMap.Data[caKey])
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s %s has no certificate under the key %s: put one there in PEM", of.CAKind, of.CA, caKey)
	}
	return pool, nil
}

// certificate returns the certificate that is shown to servers.
func (r objects) certificate(name string) (*tls.Certificate, error) {
	secret, err := r.secret(name)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return nil, fmt.Errorf("Secret %s has no certificate with its key under %s and %s: put both there in PEM", name, corev1.TLSCertKey, corev1.TLSPrivateKeyKey)
	}
	return &pair, nil
}

// secret returns a Secret that probes may use.
func (r objects) secret(name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	if err := r.get(secret, "Secret", name); err != nil {
		return nil, err
	}
	if secret.Annotations[llmv1alpha1.AllowProbesAnnotation] != "true" {
		return nil, fmt.Errorf("Secret %s may not be used: give it the annotation %s with the value \"true\", if the servers that endpoints name may see it",
			name, llmv1alpha1.AllowProbesAnnotation)
	}
	return secret, nil
}

func (r objects) get(o client.Object, kind, name string) error {
	err := r.reader.Get(r.ctx, client.ObjectKey{Namespace: r.namespace, Name: name}, o)
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("%s %s does not exist in namespace %s: create it, or name another", kind, name, r.namespace)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("the operator may not read %s %s: give it the right to get it", kind, name)
	case err != nil:
		return fmt.Errorf("%s %s: %w", kind, name, errNoAnswer)
	}
	return nil
}
