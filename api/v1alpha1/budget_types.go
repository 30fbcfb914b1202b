// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ProbeRung is a question that a probe asks after that of probe.type.
type ProbeRung struct {
	// type of the question: OpenAIModels or OpenAICompletion.
	// +required
	Type RungType `json:"type,omitempty"`

	// path of the request, beginning with "/". Unless set it is /v1/models with
	// type OpenAIModels and /v1/chat/completions with type OpenAICompletion.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^/[!-~]*$') && !self.contains('#')",message="path must begin with / and hold only printable ASCII characters, without spaces and #: percent-encode the others, as in /v1/models?limit=1000"
	Path string `json:"path,omitempty"`
}

// RungType is a type of probe that can be asked after another one.
//
// +kubebuilder:validation:Enum=OpenAIModels;OpenAICompletion
type RungType string

// The types of rungs.
const (
	RungOpenAIModels     RungType = "OpenAIModels"
	RungOpenAICompletion RungType = "OpenAICompletion"
)

// ProbeBudget bounds what the completions of probes may cost.
type ProbeBudget struct {
	// maxCompletionsPerHour is the most completions that the probes of a region
	// ask for within an hour: 0 to 100000. Unless set there is no such limit, but
	// for those of probe.ladder, which are 60 at most.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100000
	MaxCompletionsPerHour *int32 `json:"maxCompletionsPerHour,omitempty"`

	// maxTokensPerDay is the most tokens that the completions of a region's
	// probes take within 24 hours, those of the question included: 0 to
	// 1000000000. 128 are set aside for each completion until the server has said
	// how many it took, for which it is asked (stream_options) if this is set.
	// There is no such limit unless it is set.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	MaxTokensPerDay *int64 `json:"maxTokensPerDay,omitempty"`
}

// ProbeSpend is what the completions of a region's probes have cost. It is
// stored before it is spent, some at a time, and so is as much as may have been
// spent.
type ProbeSpend struct {
	// completions that were asked for, in pieces of a quarter of an hour.
	// +optional
	Completions SpendRecord `json:"completions,omitzero"`

	// tokens that completions took, in pieces of six hours.
	// +optional
	Tokens SpendRecord `json:"tokens,omitzero"`
}

// SpendRecord is what counts against one limit.
type SpendRecord struct {
	// since is when the newest piece of time began.
	// +optional
	Since *metav1.MicroTime `json:"since,omitempty"`

	// spent in the newest pieces of time, the newest first.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=5
	// +kubebuilder:validation:items:Minimum=0
	// +kubebuilder:validation:items:Maximum=1000000000000
	Spent []int64 `json:"spent,omitempty"`

	// reserved is what may be spent next without another write of the status.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000000000
	Reserved int64 `json:"reserved,omitempty"`
}
