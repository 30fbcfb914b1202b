// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"strconv"
	"time"
)

// Class is what one call says about the health of a region.
type Class uint8

// The classes, from what says least for a region to what says most. Unknown is the zero value, so that ignorance never reads as health.
const (
	// Unknown: it could not be told, for a cause on our own side.
	Unknown Class = iota
	// Failure: the region did not serve.
	Failure
	// RateLimited: HTTP 429.
	RateLimited
	// Excluded: the answer says nothing about health (a wrong credential, a wrong request).
	Excluded
	// Success: the region served.
	Success
)

// Fault is why there was no answer that could be read.
type Fault uint8

// The faults. The first group are transport errors: they can also come from the operator's own network.
const (
	NoFault Fault = iota
	Timeout
	ConnectionRefused
	ConnectionReset
	Unreachable
	NameNotFound

	TLSError
	MalformedResponse
	// StreamError: after a good status the stream said that there is an error, or broke off.
	StreamError
	// ModelNotServed: the list of models does not have the one that is asked for.
	ModelNotServed
	// AssertionFailed: the answer is not as the probe expects it.
	AssertionFailed
	// NotServing: the health service says that the server does not serve.
	NotServing
	// ErrorRatio: too many of the calls of real traffic fail.
	ErrorRatio

	// NoReadyEndpoints and ServiceNotFound are said by the cluster of a region that is a Service.
	NoReadyEndpoints
	ServiceNotFound

	// These are on our own side: Unknown.
	ResolverUnavailable
	NotMade
	CredentialsUnreadable
	// BudgetExhausted: what would tell must not be paid for.
	BudgetExhausted

	// The rest say that endpoint or probe are not such that they may be used, until a person puts it right: no
	// candidate. The first four say nothing about what is there, and are Excluded; the others are references to a
	// Service that lead nowhere.
	AddressFamily
	AddressRefused
	ClusterIPEndpoint
	InvalidExpression
	RefNotPermitted
	ServicePortNotFound
	ExternalNameService
	PublishedService
)

// String returns the fault in the spelling that status and events use.
func (f Fault) String() string {
	return [...]string{
		"None", "Timeout", "ConnectionRefused", "ConnectionReset", "Unreachable", "NameNotFound",
		"TLSError", "MalformedResponse", "StreamError", "ModelMissing", "AssertionFailed", "NotServing", "ErrorRatio",
		"NoReadyEndpoints", "ServiceNotFound", "ResolverUnavailable", "NotMade", "CredentialsUnreadable", "BudgetExhausted",
		"AddressFamily", "AddressRefused", "ClusterIPEndpoint", "InvalidExpression",
		"RefNotPermitted", "ServicePortNotFound", "ExternalNameService", "PublishedService",
	}[f]
}

// CallFaults are the faults that a call of real traffic can end with.
func CallFaults() []Fault {
	return []Fault{
		Timeout, ConnectionRefused, ConnectionReset, Unreachable, NameNotFound, TLSError, MalformedResponse, StreamError,
	}
}

func (f Fault) transport() bool { return f >= Timeout && f <= NameNotFound }
func (f Fault) own() bool       { return f >= ResolverUnavailable && f <= BudgetExhausted }
func (f Fault) unfit() bool     { return f >= AddressFamily }
func (f Fault) excluded() bool  { return f >= AddressFamily && f <= InvalidExpression }

// Response is what one call to a region saw, before it is classified.
// The zero value says nothing and is classified as Unknown.
type Response struct {
	// Status is the HTTP status code; 0 if there was none. That of gRPC comes as the HTTP code that stands for it.
	Status int
	// Connected is set by probes that ask no more than a connection.
	Connected bool
	// Expected: the probe has expectations of its own about status codes, and this one is among them.
	Expected bool
	// Fault says why there is no answer, or what is wrong with it.
	Fault Fault
	// RetryAfter is what the answer asked callers to wait; see [ParseRetryAfter].
	RetryAfter RetryAfter
	// ErrorCode and ErrorType are what the body of an error, or an error in a stream, calls itself.
	ErrorCode, ErrorType string
	// Headers holds those of the answer's headers that rules ask for, by canonical name.
	Headers map[string]string
	// Latency is the time to the head of the answer, and to the first token of a completion.
	Latency time.Duration
}

// RetryAfter is a server's wish to be left alone, if Given, for Delay (0 to 24 h).
type RetryAfter struct {
	Given bool
	Delay time.Duration
}

// Outcome is a classified Response.
type Outcome struct {
	Class      Class
	Cause      Cause
	Fault      Fault
	Status     int
	RetryAfter RetryAfter
	Latency    time.Duration
	// Rung is how high a probe climbed that led to it: 0 for what routine probes ask.
	Rung int

	// gone marks the answers that are a Failure of a probe once the same probe has succeeded there:
	// the route behind it is gone.
	gone bool
	// slow marks a success that counts as a failure, since too many were slow.
	slow bool
}

// failed says whether the outcome counts towards opening a breaker. A 429 that names no time to wait does;
// an exhausted quota opens it at once.
func (o Outcome) failed() bool {
	return o.Class == Failure || o.Class == RateLimited && !o.RetryAfter.Given && o.Cause != QuotaExhausted
}

// Better returns the outcome that says more for the region: one address that serves is enough, and one that
// answers outweighs one that does not. It may be folded over any number of addresses from the zero value.
func Better(a, b Outcome) Outcome {
	if b.Class > a.Class || b.Class == Success && a.Class == Success && b.Latency < a.Latency {
		return b
	}
	return a
}

// Worse returns the outcome that says less for the region: each family of a Service must be served. A family
// that is known not to be outweighs one of which nothing is known.
func Worse(a, b Outcome) Outcome {
	if a.Class == Success && b.Class == Success && b.Latency > a.Latency {
		return b
	}
	if a.Class != Failure && (b.Class == Failure || b.Class < a.Class) {
		return b
	}
	return a
}

// Reason names the outcome in one PascalCase word: "Status503", "Timeout", "RateLimited".
func (o Outcome) Reason() string {
	switch {
	case o.Fault != NoFault && o.Fault != StreamError:
		return o.Fault.String()
	case o.Cause == QuotaExhausted, o.Cause == ModelMissing:
		return o.Cause.String()
	case o.slow:
		return "Slow"
	case o.Fault != NoFault:
		return o.Fault.String()
	case o.Class == RateLimited:
		return "RateLimited"
	case o.Status != 0:
		return "Status" + strconv.Itoa(o.Status)
	case o.Class == Success:
		return "Connected"
	default:
		return "Unknown"
	}
}
