// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/probe"
)

// Credentials name what probes of a region use and a Target does not hold. What is empty is not used.
type Credentials struct {
	Namespace string
	// Header is sent with what Secret holds under Key.
	Header, Secret, Key string
	// CAKind is ConfigMap or Secret, and CA its name.
	CAKind, CA string
	// ClientCertificate is a Secret of type kubernetes.io/tls.
	ClientCertificate string
}

// CredentialsOf returns the credentials of a region's probes.
func CredentialsOf(b *llmv1alpha1.LLMBackend, r llmv1alpha1.Region) Credentials {
	p, preset := effective(b, r)
	c := Credentials{Namespace: b.Namespace}
	if a := p.Authorization; a.SecretKeyRef.Name != "" {
		c.Header = cmp.Or(a.Header, preset.authorizedBy, defaultAuthorization)
		c.Secret, c.Key = a.SecretKeyRef.Name, a.SecretKeyRef.Key
	}
	if p.TLS == nil {
		return c
	}
	if ref := p.TLS.CACertificateRef; ref.Name != "" {
		c.CAKind, c.CA = string(ref.Kind), ref.Name
	}
	c.ClientCertificate = p.TLS.ClientCertificateRef.Name
	return c
}

// effective returns the probe of a region with everything filled in: what the region says, what its preset
// says, what the spec says for all, what the preset for all says, and what is so by default, in this order.
func effective(b *llmv1alpha1.LLMBackend, r llmv1alpha1.Region) (llmv1alpha1.ProbeSpec, preset) {
	p := *b.Spec.Probe.DeepCopy()
	if r.Probe != nil && r.Probe.Preset != nil {
		p.Preset, p.Type, p.HTTP = *r.Probe.Preset, "", llmv1alpha1.HTTPProbe{}
		p.Authorization.Header = ""
	}
	p = overridden(p, r.Probe)
	preset := presetOf(p.Preset, b.Spec.Model)
	if p.Type == "" {
		p.Type = preset.kind
	}
	if p.HTTP.Path == "" && p.Type == preset.kind {
		p.HTTP.Path = preset.path
	}
	if p.HTTP.Path == "" {
		p.HTTP.Path = defaultPath(p.Type)
	}
	return p, preset
}

// ask fills in what a probe asks and expects.
func ask(t *probe.Target, b *llmv1alpha1.LLMBackend, p llmv1alpha1.ProbeSpec, preset preset) {
	t.Type = probe.Type(p.Type)
	t.Path = p.HTTP.Path
	t.Timeout = p.Timeout.AsDuration()
	t.Headers = preset.headers
	t.Service = p.GRPC.Service
	if t.Type == probe.OpenAIModels || t.Type == probe.OpenAICompletion {
		t.Model = b.Spec.Model
	}
	t.CountTokens = p.Budget.MaxTokensPerDay != nil
	if e := p.HTTP.Expect; e != nil {
		t.Expect = probe.Expect{Body: e.BodyContains, Expression: e.BodyExpression}
		for _, s := range e.Statuses {
			low, high := statuses(s)
			t.Expect.Statuses = append(t.Expect.Statuses, probe.StatusRange{Min: low, Max: high})
		}
		if e.Header.Name != "" {
			t.Expect.Header = probe.Header{Name: http.CanonicalHeaderKey(e.Header.Name), Value: e.Header.Value}
		}
	}
	if p.TLS != nil {
		t.ServerName = p.TLS.ServerName
	}
	for _, rule := range b.Spec.Breaker.Rules {
		if h := rule.Match.Header; h.Name != "" && !slices.Contains(t.Report, http.CanonicalHeaderKey(h.Name)) {
			t.Report = append(t.Report, http.CanonicalHeaderKey(h.Name))
		}
	}
}

// Classifier returns how answers are read.
func Classifier(b *llmv1alpha1.LLMBackend) *failover.Classifier {
	c := &failover.Classifier{FailureStatusCodes: make([]int, len(b.Spec.Breaker.FailureStatusCodes))}
	for i, code := range b.Spec.Breaker.FailureStatusCodes {
		c.FailureStatusCodes[i] = int(code)
	}
	for _, r := range b.Spec.Breaker.Rules {
		rule := failover.Rule{ErrorCode: r.Match.ErrorCode, Class: classes[r.Outcome]}
		if r.Match.Status != "" {
			rule.MinStatus, rule.MaxStatus = statuses(r.Match.Status)
		}
		if h := r.Match.Header; h.Name != "" {
			rule.Header, rule.HeaderValue = http.CanonicalHeaderKey(h.Name), h.Value
		}
		c.Rules = append(c.Rules, rule)
	}
	return c
}

var classes = map[llmv1alpha1.RuleOutcome]failover.Class{
	llmv1alpha1.OutcomeSuccess:     failover.Success,
	llmv1alpha1.OutcomeFailure:     failover.Failure,
	llmv1alpha1.OutcomeRateLimited: failover.RateLimited,
	llmv1alpha1.OutcomeExcluded:    failover.Excluded,
}

// statuses returns the ends of a range that the schema has accepted.
func statuses(r llmv1alpha1.StatusRange) (low, high int) {
	first, last, isRange := strings.Cut(string(r), "-")
	if !isRange {
		last = first
	}
	low, _ = strconv.Atoi(first)
	high, _ = strconv.Atoi(last)
	return low, high
}

// questionOf names what a probe asks and expects beyond its path, as the end of an identity. What a Secret holds is
// no part of it.
func questionOf(t probe.Target, c Credentials, ladder []Rung) string {
	var question strings.Builder
	for _, part := range []struct{ name, value string }{
		{"model", t.Model},
		{"service", t.Service},
		{"expecting", t.Expect.String()},
		{"then", ladderName(ladder)},
		{"server name", t.ServerName},
		{"header", c.Header},
		{"credential", c.Secret + "/" + c.Key},
		{"CA", c.CAKind + "/" + c.CA},
		{"client certificate", c.ClientCertificate},
	} {
		if part.value != "" && part.value != "/" {
			fmt.Fprintf(&question, " %s %q", part.name, part.value)
		}
	}
	return question.String()
}
