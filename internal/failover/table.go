// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"slices"
	"time"
)

// QuotaHold is how long a breaker stays open at least when a server said that a quota is used up: a wait
// does not bring it back, and a probe that costs nothing would not see that it is gone.
const QuotaHold = 10 * time.Minute

// Cause says more of an outcome where a person can do something about it.
type Cause uint8

// The causes.
const (
	NoCause Cause = iota
	// BadCredentials: the credential was refused.
	BadCredentials
	// BadRequest: the request was refused.
	BadRequest
	// NotFound: there is no such path, or it leads elsewhere.
	NotFound
	// ModelMissing: the server does not have the model.
	ModelMissing
	// QuotaExhausted: the account has nothing left to spend.
	QuotaExhausted
	// NoCredentials: the operator could not read the credential that it was to send.
	NoCredentials
	// NoBudget: what would tell must not be paid for.
	NoBudget
)

// String returns the cause in the spelling that status and events use.
func (c Cause) String() string {
	return [...]string{
		"None", "BadCredentials", "BadRequest", "NotFound", "ModelMissing", "QuotaExhausted", "CredentialsUnreadable",
		"BudgetExhausted",
	}[c]
}

// doubt finds the cause that as many answers in a row have had as would open a breaker, so that causes which
// change with each answer are told once.
type doubt struct {
	newest  Cause
	run     int
	settled Cause
}

func (d *doubt) note(c Cause, threshold int) {
	if c != d.newest {
		d.newest, d.run = c, 0
	}
	d.run++
	if d.run >= threshold {
		d.settled = c
	}
}

// table is the one table of outcomes. The first row that matches decides.
var table = []row{
	{
		answer:  "the endpoint may not be used (its address is refused, is the cluster IP of a Service, or of the wrong family), or `bodyExpression` is not valid",
		outcome: "Excluded, and no candidate; the condition `Stalled` says why",
		matches: func(_ *Classifier, r *Response) bool { return r.Fault.excluded() },
		class:   Excluded,
	}, {
		answer:  "the credential that a probe was to send, or a certificate for it, cannot be read",
		outcome: "Unknown; `ProbeInconclusive`, reason `CredentialsUnreadable`",
		matches: func(_ *Classifier, r *Response) bool { return r.Fault == CredentialsUnreadable },
		class:   Unknown, cause: NoCredentials,
	}, {
		answer:  "only a completion would tell, and `probe.budget` is used up",
		outcome: "Unknown; `ProbeInconclusive`, reason `BudgetExhausted`",
		matches: func(_ *Classifier, r *Response) bool { return r.Fault == BudgetExhausted },
		class:   Unknown, cause: NoBudget,
	}, {
		answer:  "the operator could not ask (no resolver, no sockets, its own shutdown)",
		outcome: "Unknown",
		matches: func(_ *Classifier, r *Response) bool {
			return r.Fault.own() || r.Fault == NoFault && r.Status == 0 && !r.Connected
		},
		class: Unknown,
	}, {
		answer:  "a list of models without `spec.model`",
		outcome: "Excluded, reason `ModelMissing`; Failure once this probe has succeeded there",
		matches: func(_ *Classifier, r *Response) bool { return r.Fault == ModelNotServed },
		class:   Excluded, cause: ModelMissing, gone: true,
	}, {
		answer:  "no connection, bad TLS, no complete answer within `timeout`, not the protocol, not what `probe.http.expect` asks for, gRPC `NOT_SERVING`, or a `serviceRef` that leads to nothing that is ready",
		outcome: "Failure",
		matches: func(_ *Classifier, r *Response) bool { return r.Fault != NoFault && r.Fault != StreamError },
		class:   Failure,
	}, {
		answer:  "a status in `probe.http.expect.statuses`",
		outcome: "Success",
		matches: func(_ *Classifier, r *Response) bool { return r.Expected },
		class:   Success,
	}, {
		answer:  "a status in `breaker.failureStatusCodes`",
		outcome: "Failure",
		matches: func(c *Classifier, r *Response) bool { return slices.Contains(c.FailureStatusCodes, r.Status) },
		class:   Failure,
	}, {
		answer:  "402; error code `insufficient_quota`, `billing_hard_limit_reached`, `billing_not_active` or `billing_error`",
		outcome: "RateLimited: the breaker opens for 10 minutes, `openDuration` or Retry-After, whichever is longest; reason `QuotaExhausted`",
		matches: func(_ *Classifier, r *Response) bool {
			return r.Status == 402 || r.says("insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error")
		},
		class: RateLimited, cause: QuotaExhausted,
	}, {
		answer:  "401, 403; error code `invalid_api_key`, `authentication_error` or `permission_error`",
		outcome: "Excluded; `ProbeInconclusive`, reason `BadCredentials`",
		matches: func(_ *Classifier, r *Response) bool {
			return r.Status == 401 || r.Status == 403 || r.says("invalid_api_key", "authentication_error", "permission_error")
		},
		class: Excluded, cause: BadCredentials,
	}, {
		answer:  "error code `model_not_found` or `DeploymentNotFound`; 404 with error code `NotFoundError`, as of vLLM, or `api_error`, as of Ollama",
		outcome: "Excluded, reason `ModelMissing`; Failure once this probe has succeeded there",
		matches: func(_ *Classifier, r *Response) bool {
			return r.says("model_not_found", "DeploymentNotFound") || r.Status == 404 && r.says("NotFoundError", "api_error")
		},
		class: Excluded, cause: ModelMissing, gone: true,
	}, {
		answer:  "a stream that ends with error code `rate_limit_exceeded` or `rate_limit_error`",
		outcome: "RateLimited without Retry-After: counts as a failure",
		matches: func(_ *Classifier, r *Response) bool {
			return r.Fault == StreamError && r.says("rate_limit_exceeded", "rate_limit_error")
		},
		class: RateLimited,
	}, {
		answer:  "a stream that ends with any other error, or breaks off",
		outcome: "Failure",
		matches: func(_ *Classifier, r *Response) bool { return r.Fault == StreamError },
		class:   Failure,
	}, {
		answer:  "429",
		outcome: "RateLimited: with a Retry-After up to `retryAfterThreshold` neither success nor failure; with a longer one the breaker opens for that time; without one it counts as a failure",
		matches: func(_ *Classifier, r *Response) bool { return r.Status == 429 },
		class:   RateLimited,
	}, {
		answer:  "2xx; with type TCP, a connection",
		outcome: "Success; above `slowThreshold`, Failure while `slowPercent` of the newest 10 calls were slow",
		matches: func(_ *Classifier, r *Response) bool { return r.Status == 0 || r.Status >= 200 && r.Status < 300 },
		class:   Success,
	}, {
		answer:  "404 or a redirect",
		outcome: "Excluded; `ProbeInconclusive`, reason `NotFound`; Failure once this probe has succeeded there",
		matches: func(_ *Classifier, r *Response) bool { return r.Status == 404 || r.Status >= 300 && r.Status < 400 },
		class:   Excluded, cause: NotFound, gone: true,
	}, {
		answer:  "any other 4xx",
		outcome: "Excluded; `ProbeInconclusive`, reason `BadRequest`",
		matches: func(_ *Classifier, r *Response) bool { return r.Status >= 400 && r.Status < 500 },
		class:   Excluded, cause: BadRequest,
	}, {
		answer:  "anything else",
		outcome: "Excluded",
		matches: func(*Classifier, *Response) bool { return true },
		class:   Excluded,
	},
}

// says reports whether the error names itself by one of the codes.
func (r *Response) says(codes ...string) bool {
	return r.ErrorCode != "" && slices.Contains(codes, r.ErrorCode) || r.ErrorType != "" && slices.Contains(codes, r.ErrorType)
}
