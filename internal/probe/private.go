// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
)

// Private supplies what a [Target] does not hold, because targets are compared and may be shown.
type Private interface {
	// Credentials returns what to use now. It is asked once per probe, and should have its answer at hand. Its
	// error is shown to people.
	Credentials(ctx context.Context) (Credentials, error)
}

// Credentials are what a probe uses beside what its Target says. The zero value is nothing.
type Credentials struct {
	// Header is sent with Value; empty for none.
	Header string
	Value  Secret
	// RootCAs replace those of the Prober; nil leaves them.
	RootCAs *x509.CertPool
	// Certificate is shown to servers that ask for one; nil for none.
	Certificate *tls.Certificate
}

// Secret is a text that does not show itself.
type Secret string

// String returns a placeholder.
func (Secret) String() string { return "[redacted]" }

// GoString returns a placeholder.
func (Secret) GoString() string { return "[redacted]" }

// MarshalText returns a placeholder.
func (Secret) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// Header is a header with its value.
type Header struct{ Name, Value string }
