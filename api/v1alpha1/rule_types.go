// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// OutcomeRule says what the answers that it matches mean.
type OutcomeRule struct {
	// match says which answers. All that is set must hold.
	// +required
	Match OutcomeMatch `json:"match,omitzero"`

	// outcome is Success; Failure; RateLimited, which is judged by its Retry-After
	// as a 429 is; or Excluded, which says nothing about health.
	// +required
	Outcome RuleOutcome `json:"outcome,omitempty"`
}

// OutcomeMatch says which answers a rule is about.
//
// +kubebuilder:validation:MinProperties=1
type OutcomeMatch struct {
	// status is a code, or a range of codes, such as "409" or "500-599".
	// +optional
	Status StatusRange `json:"status,omitempty"`

	// errorCode is what the body calls the error: its code or its type, such as
	// insufficient_quota. The body is JSON of the form that OpenAI, Anthropic,
	// Azure, TGI or Bedrock use.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="errorCode must be letters, digits, -, _ and ., such as insufficient_quota"
	ErrorCode string `json:"errorCode,omitempty"`

	// header is one that the answer has.
	// +optional
	Header HeaderMatch `json:"header,omitzero"`
}

// RuleOutcome is what an answer means.
//
// +kubebuilder:validation:Enum=Success;Failure;RateLimited;Excluded
type RuleOutcome string

// The outcomes that rules can give.
const (
	OutcomeSuccess     RuleOutcome = "Success"
	OutcomeFailure     RuleOutcome = "Failure"
	OutcomeRateLimited RuleOutcome = "RateLimited"
	OutcomeExcluded    RuleOutcome = "Excluded"
)
