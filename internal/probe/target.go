// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
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
	// Path is the request target of an HTTP probe: it starts with "/" and may hold a query.
	Path string
	// Hostname is the DNS name or IP address, without a port, that in-cluster clients use for the
	// Service. It is sent as Host and as TLS server name, since a Service passes on what clients send.
	Hostname string
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
	case HTTP:
	default:
		return fmt.Errorf("type %q: use HTTP or TCP", t.Type)
	}
	if !strings.HasPrefix(t.Path, "/") || !visible(t.Path) {
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

// request is the whole HTTP/1.1 request.
func (t Target) request() []byte {
	b := make([]byte, 0, 128+len(t.Path)+len(t.Hostname))
	b = append(b, "GET "...)
	b = append(b, t.Path...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, t.hostHeader()...)
	b = append(b, "\r\nUser-Agent: breakwater\r\nAccept: */*\r\nConnection: close\r\n\r\n"...)
	return b
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
