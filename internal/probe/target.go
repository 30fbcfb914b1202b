// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Type is how a target is asked.
type Type string

const (
	// HTTP sends one GET request and reads the answer.
	HTTP Type = "HTTP"
	// GRPC calls the health service that gRPC servers have in common, grpc.health.v1.
	GRPC Type = "GRPC"
	// OpenAIModels gets the list of models and looks for Model in it.
	OpenAIModels Type = "OpenAIModels"
	// OpenAICompletion asks Model for a few tokens and reads them as they come.
	OpenAICompletion Type = "OpenAICompletion"
	// TCP only connects, whatever the scheme: a connection that was accepted is the answer.
	TCP Type = "TCP"
)

// Family is an IP address family, spelled as in a Service.
type Family string

const (
	IPv4 Family = "IPv4"
	IPv6 Family = "IPv6"
)

// FamilyOf returns the family of an address; an IPv4 address mapped into IPv6 is IPv4.
func FamilyOf(addr netip.Addr) Family {
	if addr.Unmap().Is4() {
		return IPv4
	}
	return IPv6
}

// Target is one region's endpoint and how to ask it.
type Target struct {
	// Scheme is "http" or "https". With https the certificate must be valid for Hostname.
	Scheme string
	// Host is an IP address without brackets, or a DNS name; empty if somebody else knows the addresses.
	Host string
	// Addresses are those of a target without Host, sorted. Where it has none, Absent says why.
	Addresses []netip.Addr
	Absent    ErrorClass
	Port      uint16
	Type      Type
	// Path is the request target of every type but TCP and GRPC: it starts with "/" and may hold a query.
	Path string
	// Model is what OpenAIModels looks for, if it is not empty, and what OpenAICompletion asks.
	Model string
	// Pay is asked before n completions are: where it says false none is. nil means that nobody has to be asked.
	// It may wait as long as ctx lasts.
	Pay func(ctx context.Context, n int) bool
	// CountTokens asks for the number of tokens that a completion takes.
	CountTokens bool
	// Service is what GRPC asks for; empty means the server as a whole.
	Service string
	// Headers are sent beside those of every request.
	Headers []Header
	// Expect is what a good answer to HTTP must be.
	Expect Expect
	// Report names, in canonical form, the headers that [Answer.Headers] is to hold.
	Report []string
	// Private supplies credentials; nil means none.
	Private Private
	// Hostname is the DNS name or IP address, without a port, that in-cluster clients use for the
	// Service. It is sent as Host and as TLS server name, since a Service passes on what clients send.
	Hostname string
	// ServerName replaces Hostname in TLS.
	ServerName string
	// ServicePort is the port that clients call, which they send in Host unless it is the scheme's
	// default. 0 means the default.
	ServicePort uint16
	// Timeout bounds the whole probe: resolution, dials, handshakes, headers and body.
	// At most half of it is spent on a name, so that a slow resolver is not taken for a slow region.
	Timeout time.Duration
	// Families are those that are needed: only addresses of these are asked, and [Result.Healthy] wants
	// an answer in each. Empty means that an answer in any family will do.
	Families []Family
}

// validate says why a target cannot be asked. A stored spec has passed the same rules before;
// this keeps a bad one from becoming a malformed request.
func (t Target) validate() error {
	switch {
	case t.Scheme != "http" && t.Scheme != "https":
		return fmt.Errorf("scheme %q: use http or https", t.Scheme)
	case t.Host == "" && len(t.Addresses) == 0:
		return errors.New("neither host nor addresses: use an IP address or a DNS name as host")
	case t.Port == 0:
		return errors.New("port is 0: use 1 to 65535")
	case t.Timeout <= 0:
		return fmt.Errorf("timeout %s: use a duration above 0s", t.Timeout)
	}
	switch t.Type {
	case TCP:
		return nil
	case HTTP, GRPC, OpenAIModels:
	case OpenAICompletion:
		if t.Model == "" {
			return errors.New("model is empty: name the model that is to be asked")
		}
	default:
		return fmt.Errorf("type %q: use HTTP, TCP, GRPC, OpenAIModels or OpenAICompletion", t.Type)
	}
	if t.Type != GRPC && (!strings.HasPrefix(t.Path, "/") || !visible(t.Path)) {
		return fmt.Errorf("path %q: start it with / and percent-encode spaces and non-ASCII characters", t.Path)
	}
	if t.Hostname == "" || !visible(t.Hostname) || strings.ContainsAny(t.Hostname, "/@?#") {
		return fmt.Errorf("hostname %q: use the DNS name or IP address that clients send", t.Hostname)
	}
	return nil
}

// visible reports whether s is printable ASCII without spaces, and so can split no request.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func (t Target) hostHeader() string {
	standard := t.ServicePort == 0 ||
		t.Scheme == "http" && t.ServicePort == 80 ||
		t.Scheme == "https" && t.ServicePort == 443
	switch {
	case !standard:
		return net.JoinHostPort(t.Hostname, strconv.Itoa(int(t.ServicePort)))
	case strings.Contains(t.Hostname, ":"):
		return "[" + t.Hostname + "]"
	default:
		return t.Hostname
	}
}
