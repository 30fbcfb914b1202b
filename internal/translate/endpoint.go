// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/probe"
)

// targetOf is where a region is asked, and as what: with the Host that clients send.
func targetOf(b *llmv1alpha1.LLMBackend, r llmv1alpha1.Region, families []probe.Family) (probe.Target, error) {
	target := probe.Target{
		Scheme:      Scheme(r.Endpoint),
		Hostname:    hostnameOf(b),
		ServicePort: uint16(b.Spec.Service.Port),
		Families:    families,
	}
	if IsService(r.Endpoint) {
		return target, nil
	}
	u, err := url.Parse(r.Endpoint.URL)
	if err != nil {
		return probe.Target{}, fmt.Errorf("endpoint url: %w", err)
	}
	target.Host = u.Hostname()
	target.Port, err = portOf(u)
	return target, err
}

func portOf(u *url.URL) (uint16, error) {
	switch {
	case u.Port() != "":
		port, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil {
			return 0, fmt.Errorf("endpoint url: port: %w", err)
		}
		return uint16(port), nil
	case u.Scheme == "https":
		return 443, nil
	default:
		return 80, nil
	}
}

// IsService says whether an endpoint is a reference to a Service.
func IsService(e llmv1alpha1.Endpoint) bool { return e.ServiceRef.Name != "" }

// ServiceNamespace returns the namespace of the Service that an endpoint of b refers to.
func ServiceNamespace(b *llmv1alpha1.LLMBackend, e llmv1alpha1.Endpoint) string {
	if e.ServiceRef.Namespace != "" {
		return e.ServiceRef.Namespace
	}
	return b.Namespace
}

// Scheme returns what an endpoint speaks: "http" or "https".
func Scheme(e llmv1alpha1.Endpoint) string {
	if IsService(e) {
		return strings.ToLower(string(e.ServiceRef.Scheme))
	}
	scheme, _, _ := strings.Cut(e.URL, ":")
	return scheme
}

// EndpointName returns an endpoint of b for people: its url, or "Service apps/vllm:8000".
func EndpointName(b *llmv1alpha1.LLMBackend, e llmv1alpha1.Endpoint) string {
	if !IsService(e) {
		return e.URL
	}
	return fmt.Sprintf("Service %s/%s:%s", ServiceNamespace(b, e), e.ServiceRef.Name, e.ServiceRef.Port.String())
}

// identityOf names endpoint and probe: what an outcome speaks of. How often is no part of it, and neither are
// the addresses behind a name or a Service.
func identityOf(b *llmv1alpha1.LLMBackend, r llmv1alpha1.Region, t probe.Target) string {
	where := fmt.Sprintf("%s://%s:%d", t.Scheme, t.Host, t.Port)
	if IsService(r.Endpoint) {
		where = t.Scheme + " " + EndpointName(b, r.Endpoint) + " "
	}
	return fmt.Sprintf("%s %s%s as %s:%d", t.Type, where, t.Path, t.Hostname, t.ServicePort)
}
