// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// HTTPExpectation is what a good answer must be. All that is set must hold.
type HTTPExpectation struct {
	// statuses are the codes of a good answer, and ranges of them, such as 200 or
	// 200-299: at most 8. They are 200-299 unless set. A code that is not among
	// them is what it is for all probes, except that another 2xx is a failure.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	Statuses []StatusRange `json:"statuses,omitempty"`

	// header is one that a good answer has.
	// +optional
	Header HeaderMatch `json:"header,omitzero"`

	// bodyContains is a text in the body of a good answer. Of a body the first 64
	// KiB are read.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	BodyContains string `json:"bodyContains,omitempty"`

	// bodyExpression is a CEL expression that is true for the body of a good
	// answer, which is JSON and called body, such as body.status == "ok" or
	// body.data.exists(m, m.id == "llama"). One that cannot be evaluated does not
	// hold; one that is not valid is named by the condition Stalled.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	BodyExpression string `json:"bodyExpression,omitempty"`
}

// StatusRange is an HTTP status code or a range of them, both ends included.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=7
// +kubebuilder:validation:XValidation:rule="self.matches('^[1-5][0-9]{2}(-[1-5][0-9]{2})?$') && (self.size() == 3 || self.substring(0, 3) <= self.substring(4))",message="a status must be a code from 100 to 599, or a range of them that begins with the lower one, such as 200 or 500-599"
type StatusRange string

// HeaderMatch is a header with its value.
type HeaderMatch struct {
	// name of the header, in upper or lower case.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9][-A-Za-z0-9]*$')",message="the name of a header must be letters, digits and -, such as X-Ready"
	Name string `json:"name,omitempty"`

	// value of the header, whole, in upper and lower case as it stands.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Value string `json:"value,omitempty"`
}

// GRPCProbe says what a probe of type GRPC asks.
type GRPCProbe struct {
	// service is the name that the health service is asked for. The server as a
	// whole is asked for unless it is set.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[!-~]+$')",message="service must be printable ASCII characters without spaces, such as inference.GRPCInferenceService"
	Service string `json:"service,omitempty"`
}
