// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// AdaptiveSpec bounds what mode Adaptive makes of the limits of a breaker.
//
// +kubebuilder:validation:XValidation:rule="!has(self.lowFailurePercent) || !has(self.highFailurePercent) || self.lowFailurePercent < self.highFailurePercent",fieldPath=".lowFailurePercent",message="lowFailurePercent must be below highFailurePercent: lower the first or raise the second"
// +kubebuilder:validation:XValidation:rule="!has(self.minFailureThreshold) || !has(self.maxFailureThreshold) || self.minFailureThreshold <= self.maxFailureThreshold",fieldPath=".minFailureThreshold",message="minFailureThreshold must not be above maxFailureThreshold: lower the first or raise the second"
// +kubebuilder:validation:XValidation:rule="!has(self.minOpenDuration) || !has(self.maxOpenDuration) || ![self.minOpenDuration, self.maxOpenDuration].all(d, d.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')) || duration(self.minOpenDuration) <= duration(self.maxOpenDuration)",fieldPath=".minOpenDuration",message="minOpenDuration must not be longer than maxOpenDuration: shorten the first or lengthen the second"
type AdaptiveSpec struct {
	// lowFailurePercent is the failure rate up to which failureThreshold is
	// doubled: 1 to 98. It is 10 unless set. The rate is an average that every
	// success and every failure moves by a tenth.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=98
	LowFailurePercent int32 `json:"lowFailurePercent,omitempty"`

	// highFailurePercent is the failure rate from which on failureThreshold is
	// halved: 2 to 99. It is 90 unless set.
	// +optional
	// +kubebuilder:default=90
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=99
	HighFailurePercent int32 `json:"highFailurePercent,omitempty"`

	// minFailureThreshold is the least failures in a row that may open the
	// breaker, 1 to 100. It is 2 unless set.
	// +optional
	// +kubebuilder:default=2
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MinFailureThreshold int32 `json:"minFailureThreshold,omitempty"`

	// maxFailureThreshold is the most failures in a row that may be needed to open
	// the breaker, 1 to 100. It is 20 unless set.
	// +optional
	// +kubebuilder:default=20
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxFailureThreshold int32 `json:"maxFailureThreshold,omitempty"`

	// minOpenDuration is the shortest time that the breaker may stay open before a
	// trial probe: 1s to 24h. It is 10s unless set.
	// +optional
	// +kubebuilder:default="10s"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="minOpenDuration must be 1s to 24h, such as 10s"
	MinOpenDuration Duration `json:"minOpenDuration,omitempty"`

	// maxOpenDuration is the longest time that the breaker may stay open before a
	// trial probe, unless a Retry-After asks for more: 1s to 24h. It is 10m unless
	// set.
	// +optional
	// +kubebuilder:default="10m"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="maxOpenDuration must be 1s to 24h, such as 10m"
	MaxOpenDuration Duration `json:"maxOpenDuration,omitempty"`
}
