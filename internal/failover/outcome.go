// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"slices"
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

	// NoReadyEndpoints and ServiceNotFound are said by the cluster of a region that is a Service.
	NoReadyEndpoints
	ServiceNotFound

	// ResolverUnavailable and NotMade are on our own side: Unknown.
	ResolverUnavailable
	NotMade

	// The rest say that the endpoint is not one that may be used, until a person puts it right: no candidate.
	// The first three say nothing about what is there, and are Excluded; the others are references to a Service
	// that lead nowhere.
	AddressFamily
	AddressRefused
	ClusterIPEndpoint
	RefNotPermitted
	ServicePortNotFound
	ExternalNameService
	PublishedService
)

// String returns the fault in the spelling that status and events use.
func (f Fault) String() string {
	return [...]string{
		"None", "Timeout", "ConnectionRefused", "ConnectionReset", "Unreachable", "NameNotFound",
		"TLSError", "MalformedResponse", "NoReadyEndpoints", "ServiceNotFound", "ResolverUnavailable", "NotMade",
		"AddressFamily", "AddressRefused", "ClusterIPEndpoint",
		"RefNotPermitted", "ServicePortNotFound", "ExternalNameService", "PublishedService",
	}[f]
}

func (f Fault) transport() bool { return f >= Timeout && f <= NameNotFound }
func (f Fault) unfit() bool     { return f >= AddressFamily }
func (f Fault) excluded() bool  { return f >= AddressFamily && f <= ClusterIPEndpoint }

// Response is what one call to a region saw, before it is classified.
// The zero value says nothing and is classified as Unknown.
type Response struct {
	// Status is the HTTP status code; 0 if there was none.
	Status int
	// Connected is set by probes that ask no more than a connection.
	Connected bool
	// Fault says why there is neither.
	Fault Fault
	// RetryAfter is what the answer asked callers to wait; see [ParseRetryAfter].
	RetryAfter RetryAfter
}

// RetryAfter is a server's wish to be left alone, if Given, for Delay (0 to 24 h).
type RetryAfter struct {
	Given bool
	Delay time.Duration
}

// Outcome is a classified Response.
type Outcome struct {
	Class      Class
	Fault      Fault
	Status     int
	RetryAfter RetryAfter

	// gone marks the answers that are a Failure of a probe once the same probe has succeeded there:
	// the route behind it is gone.
	gone bool
}

// failed says whether the outcome counts towards opening a breaker. A 429 that names no time to wait does.
func (o Outcome) failed() bool {
	return o.Class == Failure || o.Class == RateLimited && !o.RetryAfter.Given
}

// Classify reads a Response by the rules of the design, section 3. failureStatusCodes are the HTTP codes
// that count as Failure; 2xx is Success, 429 RateLimited, and every other code Excluded.
func Classify(failureStatusCodes []int, r Response) Outcome {
	o := Outcome{Fault: r.Fault, Status: r.Status, RetryAfter: r.RetryAfter}
	switch {
	case r.Fault.excluded():
		o.Class = Excluded
	case r.Fault == ResolverUnavailable, r.Fault == NotMade:
		o.Class = Unknown
	case r.Fault != NoFault:
		o.Class = Failure
	case r.Status == 0:
		if r.Connected {
			o.Class = Success
		}
	case slices.Contains(failureStatusCodes, r.Status):
		o.Class = Failure
	case r.Status >= 200 && r.Status < 300:
		o.Class = Success
	case r.Status == 429:
		o.Class = RateLimited
	default:
		o.Class = Excluded
		o.gone = r.Status == 404 || r.Status >= 300 && r.Status < 400
	}
	return o
}

// Better returns the outcome that says more for the region: one address that serves is enough, and one that
// answers outweighs one that does not. It may be folded over any number of addresses from the zero value.
func Better(a, b Outcome) Outcome {
	if b.Class > a.Class {
		return b
	}
	return a
}

// Worse returns the outcome that says less for the region: each family of a Service must be served. A family
// that is known not to be outweighs one of which nothing is known.
func Worse(a, b Outcome) Outcome {
	if a.Class != Failure && (b.Class == Failure || b.Class < a.Class) {
		return b
	}
	return a
}

// Reason names the outcome in one PascalCase word: "Status503", "Timeout", "RateLimited".
func (o Outcome) Reason() string {
	switch {
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
