// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"net/netip"
	"slices"
	"time"
)

// ErrorClass says why there is no complete answer. Its values are stable words for status and metrics.
type ErrorClass string

const (
	// None: the answer is complete.
	None ErrorClass = ""

	// Timeout: the target did not connect, or did not complete its answer, within Target.Timeout.
	Timeout ErrorClass = "Timeout"
	// ConnectionRefused: nothing listens on the port.
	ConnectionRefused ErrorClass = "ConnectionRefused"
	// ConnectionReset: the connection ended before the answer was complete.
	ConnectionReset ErrorClass = "ConnectionReset"
	// Unreachable: there is no route to the address.
	Unreachable ErrorClass = "Unreachable"
	// TLS: the handshake failed, the certificate is not valid for Hostname, or the server sent an alert.
	TLS ErrorClass = "TLS"
	// MalformedResponse: what came was not HTTP/1.x, or its head was larger than 64 KiB.
	MalformedResponse ErrorClass = "MalformedResponse"
	// StreamError: after a good status the stream, or the body, said that there is an error, or ended early.
	StreamError ErrorClass = "StreamError"
	// ModelNotServed: the list of models does not have Target.Model.
	ModelNotServed ErrorClass = "ModelNotServed"
	// AssertionFailed: the answer is not as Target.Expect says.
	AssertionFailed ErrorClass = "AssertionFailed"
	// NotServing: the health service says that the server, or the service, does not serve.
	NotServing ErrorClass = "NotServing"
	// NameNotFound: the resolver said that the name has no address.
	NameNotFound ErrorClass = "NameNotFound"

	// ResolverUnavailable: the resolver gave no answer, so nothing is known about the target.
	ResolverUnavailable ErrorClass = "ResolverUnavailable"
	// Canceled: the caller's context ended first, so nothing is known about the target.
	Canceled ErrorClass = "Canceled"
	// Local: the operator could not make the probe: no files, ports or memory left, a local rule
	// against it, a stalled process, a target that cannot be asked. Nothing is known about the target.
	Local ErrorClass = "Local"

	// CredentialsUnreadable: what Target.Private was to supply is not there. Nothing is known about the target.
	CredentialsUnreadable ErrorClass = "CredentialsUnreadable"
	// BudgetExhausted: Target.Pay did not pay. Nothing was asked.
	BudgetExhausted ErrorClass = "BudgetExhausted"
	// InvalidExpression: Target.Expect.Expression cannot be compiled.
	InvalidExpression ErrorClass = "InvalidExpression"

	// AddressFamily: the name has addresses, but none of the families that are needed.
	AddressFamily ErrorClass = "AddressFamily"
	// Forbidden: no region may have this address; Detail says why. No packet was sent.
	Forbidden ErrorClass = "Forbidden"
)

// Inconclusive reports whether the class is about the operator and not about the target.
func (c ErrorClass) Inconclusive() bool {
	return c == ResolverUnavailable || c == Canceled || c == Local || c == CredentialsUnreadable || c == BudgetExhausted
}

// Answer is what one address said.
type Answer struct {
	// Status is the HTTP status code, 0 if none was read. It can come together with Err,
	// when the head was read and the body failed. A status of gRPC is given as the HTTP code that stands for it.
	Status int
	// Expected: Target.Expect names status codes, this one among them, and all else that it asks for holds.
	Expected bool
	// ErrorCode and ErrorType are what an error calls itself: letters, digits and "-._", at most 64 of them.
	// They come from a body with a status of 400 or more, and from an error in a stream.
	ErrorCode, ErrorType string
	// Headers holds those of Target.Report that the answer has, cut to 128 bytes.
	Headers map[string]string
	// RetryAfter, RetryAfterMs and Date are the headers Retry-After, retry-after-ms and Date as they
	// came, cut to 128 bytes.
	RetryAfter, RetryAfterMs, Date string
	// Err is None if the answer is complete; with TCP that means connected.
	Err ErrorClass
	// Detail explains Err to a person, in at most 256 bytes. It may quote the server and name times.
	Detail string
	// First is the time from the dial to the head of the answer, or to the first token of a completion;
	// with TCP to the connection. 0 if it did not come so far.
	First time.Duration
	// Tokens is how many tokens the server says that a completion took, 1 to 1,000,000; 0 if it does not say.
	Tokens int64
	// Latency is the time from the dial to the end of the answer.
	Latency time.Duration
}

// AddressResult is what one address of the target said.
type AddressResult struct {
	Addr netip.Addr
	Answer
}

// Result is what a probe saw.
type Result struct {
	// Started is when the first packet could be sent: later than the wait for a place.
	Started, Finished time.Time
	// Families are those of the target.
	Families []Family
	// Addresses are the addresses that were asked, sorted; empty if there was none to ask.
	Addresses []AddressResult
	// Err and Detail say why no address was asked.
	Err    ErrorClass
	Detail string
}

// Healthy reports whether every needed family has an address that answered, as answered defines it.
func (r Result) Healthy(answered func(Answer) bool) bool {
	if len(r.Families) == 0 {
		return slices.ContainsFunc(r.Addresses, func(a AddressResult) bool { return answered(a.Answer) })
	}
	for _, f := range r.Families {
		if !slices.ContainsFunc(r.Addresses, func(a AddressResult) bool {
			return FamilyOf(a.Addr) == f && answered(a.Answer)
		}) {
			return false
		}
	}
	return true
}

// Missing returns the needed families of which the target has no address. A result without any address
// says nothing about families, unless Err is AddressFamily.
func (r Result) Missing() []Family {
	if len(r.Addresses) == 0 && r.Err != AddressFamily {
		return nil
	}
	var missing []Family
	for _, f := range r.Families {
		if !slices.ContainsFunc(r.Addresses, func(a AddressResult) bool { return FamilyOf(a.Addr) == f }) {
			missing = append(missing, f)
		}
	}
	return missing
}
