// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// BreakerSpec holds the limits of the circuit breaker that every region has.
//
// +kubebuilder:validation:XValidation:rule="!has(self.adaptive) || has(self.mode) && self.mode == 'Adaptive'",fieldPath=".adaptive",message="adaptive is for mode Adaptive alone: write mode: Adaptive, or remove adaptive"
type BreakerSpec struct {
	// failureThreshold is how many failures in a row open the breaker, 1 to 100.
	// It is 5 unless set.
	// +optional
	// +kubebuilder:default=5
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	FailureThreshold int32 `json:"failureThreshold,omitempty"`

	// openDuration is how long an open breaker stays open before one trial probe:
	// 1s to 24h. It is 60s unless set.
	// +optional
	// +kubebuilder:default="60s"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="openDuration must be 1s to 24h, such as 60s"
	OpenDuration Duration `json:"openDuration,omitempty"`

	// retryAfterThreshold parts two kinds of 429 answers. One whose Retry-After is
	// at most this long is neither a failure nor a success; one with a longer
	// Retry-After opens the breaker for that time. 100ms to 24h; 2m unless set. A
	// 429 without Retry-After is a failure.
	// +optional
	// +kubebuilder:default="2m"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) >= duration('100ms') && duration(self) <= duration('24h')",message="retryAfterThreshold must be 100ms to 24h, such as 2m"
	RetryAfterThreshold Duration `json:"retryAfterThreshold,omitempty"`

	// failureStatusCodes are the HTTP status codes that count as failures;
	// connection errors and timeouts always do. 2xx are successes, 429 is rate
	// limiting, 402 an exhausted quota, and every other code says nothing about
	// health. They are 500, 502,
	// 503, 504 and 529 unless set. At most 32 codes, from 400 to 599, without 429.
	// +optional
	// +listType=set
	// +kubebuilder:default={500,502,503,504,529}
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:Minimum=400
	// +kubebuilder:validation:items:Maximum=599
	// +kubebuilder:validation:XValidation:rule="!self.exists(c, c == 429)",message="429 cannot be a failure status code, because rate limiting has rules of its own: remove it, and see retryAfterThreshold"
	FailureStatusCodes []int32 `json:"failureStatusCodes,omitempty"`

	// rules say what answers mean, before the rules that hold for all: the first
	// that matches decides. They are about complete answers and about errors in a
	// stream; a failed connection is always a failure. At most 16.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Rules []OutcomeRule `json:"rules,omitempty"`

	// slowThreshold lets slow answers count as failures: those that take longer
	// than this to their header, and with type OpenAICompletion to their first
	// token. 1ms to 1h. None is slow unless it is set.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) >= duration('1ms') && duration(self) <= duration('1h')",message="slowThreshold must be 1ms to 1h, such as 2s"
	SlowThreshold Duration `json:"slowThreshold,omitempty"`

	// slowPercent is the share of the newest 10 answers, 10 to 100, that must be
	// slow before slow ones count as failures. It is 50 unless set.
	// +optional
	// +kubebuilder:default=50
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=100
	SlowPercent int32 `json:"slowPercent,omitempty"`

	// mode is Fixed, to use failureThreshold and openDuration as they are, or
	// Adaptive, to let both follow what each region shows: a region that seldom
	// fails may fail more often in a row before its breaker opens, one that fails
	// nearly always less often, and a breaker stays open about as long as regions
	// took to recover. It is Fixed unless set.
	// +optional
	// +kubebuilder:default=Fixed
	Mode BreakerMode `json:"mode,omitempty"`

	// adaptive bounds what mode Adaptive makes of failureThreshold and
	// openDuration, and is for that mode alone.
	// +optional
	Adaptive *AdaptiveSpec `json:"adaptive,omitempty"`
}

// BreakerMode says how the limits of a breaker are used.
//
// +kubebuilder:validation:Enum=Fixed;Adaptive
type BreakerMode string

// The modes of a breaker.
const (
	BreakerFixed    BreakerMode = "Fixed"
	BreakerAdaptive BreakerMode = "Adaptive"
)

// FailoverSpec says when traffic is moved.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minDuration) || !has(self.maxMinDuration) || !self.minDuration.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || !self.maxMinDuration.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self.minDuration) == duration('0s') || duration(self.maxMinDuration) >= duration(self.minDuration)",fieldPath=".maxMinDuration",message="maxMinDuration must not be shorter than minDuration: lengthen the first or shorten the second"
// +kubebuilder:validation:XValidation:rule="!has(self.minDuration) || !has(self.maxMinDuration) || !self.minDuration.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self.minDuration) > duration('0s')",fieldPath=".minDuration",message="a minDuration of 0s cannot be doubled: lengthen it, such as to 30s, or remove maxMinDuration"
type FailoverSpec struct {
	// mode is Automatic, to move traffic; Observe, to decide and report, but never
	// move traffic; or Disabled, to decide nothing. It is Automatic unless set.
	// Reset and switch by annotation are a person's orders and act in every mode.
	// +optional
	// +kubebuilder:default=Automatic
	Mode FailoverMode `json:"mode,omitempty"`

	// minDuration is the least time on a healthy secondary region before traffic
	// goes back: 0s to 24h. It is 30s unless set. A secondary region that fails is
	// left at once.
	// +optional
	// +kubebuilder:default="30s"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) <= duration('24h')",message="minDuration must be 0s to 24h, such as 30s"
	MinDuration Duration `json:"minDuration,omitempty"`

	// maxMinDuration lets minDuration double for a region that flaps, up to this:
	// 1s to 24h. A region flaps if it fails sooner than this after traffic has
	// come to it; with each time in a row traffic stays away from it twice as
	// long, until it has served for as long as this. A reset or a switch begins
	// anew. The status keeps the newest 8 moves, so that minDuration is doubled 4
	// times at most. minDuration is never doubled unless this is set.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="maxMinDuration must be 1s to 24h, such as 10m"
	MaxMinDuration Duration `json:"maxMinDuration,omitempty"`

	// maxPerHour is how many failovers there may be within an hour, 1 to 8. When
	// as many were made, traffic stays where it is until the oldest of them is an
	// hour ago: there is no failback either, which another failover might have to
	// undo. A reset or a switch is never held, and the count begins anew after it.
	// To leave a region that was removed from the spec is not counted. More than 8
	// cannot be counted, because the status keeps the newest 8 moves. There may be
	// any number unless it is set.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=8
	MaxPerHour int32 `json:"maxPerHour,omitempty"`

	// failback is Automatic, to go back to a preferred region when it has
	// recovered, or Manual, to leave that to people. It is Automatic unless set.
	// +optional
	// +kubebuilder:default=Automatic
	Failback FailbackMode `json:"failback,omitempty"`
}

// FailoverMode says what decisions may do.
//
// +kubebuilder:validation:Enum=Automatic;Observe;Disabled
type FailoverMode string

// The modes of failing over.
const (
	FailoverAutomatic FailoverMode = "Automatic"
	FailoverObserve   FailoverMode = "Observe"
	FailoverDisabled  FailoverMode = "Disabled"
)

// FailbackMode says who goes back to a preferred region.
//
// +kubebuilder:validation:Enum=Automatic;Manual
type FailbackMode string

// The modes of failing back.
const (
	FailbackAutomatic FailbackMode = "Automatic"
	FailbackManual    FailbackMode = "Manual"
)
