// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// LLMBackendStatus says where traffic goes and why.
type LLMBackendStatus struct {
	// observedGeneration is the metadata.generation that the status speaks of; -1
	// before the first time.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// activeRegion is the region that traffic goes to.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	ActiveRegion string `json:"activeRegion,omitempty"`

	// activeEndpoint is the endpoint that the spec gives the active region.
	// +optional
	// +kubebuilder:validation:MaxLength=268
	ActiveEndpoint string `json:"activeEndpoint,omitempty"`

	// transitionSeq is the number of the newest transition: one more with each,
	// never lower.
	// +optional
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	TransitionSeq int64 `json:"transitionSeq,omitempty"`

	// activeSeq is the number of the newest region change: what the EndpointSlices
	// must show.
	// +optional
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	ActiveSeq int64 `json:"activeSeq,omitempty"`

	// publishedSeq is the number of the region change that the EndpointSlices do
	// show; absent before they show any.
	// +optional
	// +kubebuilder:validation:Minimum=0
	PublishedSeq *int64 `json:"publishedSeq,omitempty"`

	// activeSince is when traffic was sent to the active region.
	// +optional
	ActiveSince *metav1.MicroTime `json:"activeSince,omitempty"`

	// pinnedRegion is the active region if a person switched to it: failback does
	// not leave it.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	PinnedRegion string `json:"pinnedRegion,omitempty"`

	// failoverLimitedUntil is when spec.failover.maxPerHour allows a failover
	// again; absent while it allows one.
	// +optional
	FailoverLimitedUntil *metav1.MicroTime `json:"failoverLimitedUntil,omitempty"`

	// regions are the regions of the spec, in its order.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Regions []RegionStatus `json:"regions,omitempty"`

	// history is the newest transitions, newest first: at most 8 changes of the
	// active region and 8 others.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	History []Transition `json:"history,omitempty"`

	// lastHandledReset is the value of the annotation llm.breakwater.dev/reset
	// that was handled last, or its SHA-256 if it is longer than 128 bytes.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	LastHandledReset string `json:"lastHandledReset,omitempty"`

	// lastHandledSwitch is the value of the annotation
	// llm.breakwater.dev/switch-requested-at that was handled last, or its SHA-256
	// if it is longer than 128 bytes.
	// +optional
	// +kubebuilder:validation:MaxLength=128
	LastHandledSwitch string `json:"lastHandledSwitch,omitempty"`

	// lastSwitchResult is what became of the switch that was handled last:
	// Switched; Pinned, because the region was active already; Failed, because it
	// did not answer its probe; Refused, because it could not be tried;
	// Superseded, by a reset that came with it; Ignored, because the annotation
	// was there when the LLMBackend was created.
	// +optional
	LastSwitchResult SwitchResult `json:"lastSwitchResult,omitempty"`

	// conditions are Ready and Published always, and others only while they are
	// True.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// SwitchResult is what became of a switch.
//
// +kubebuilder:validation:Enum=Switched;Pinned;Failed;Refused;Superseded;Ignored
type SwitchResult string

// The results of a switch.
const (
	SwitchSwitched   SwitchResult = "Switched"
	SwitchPinned     SwitchResult = "Pinned"
	SwitchFailed     SwitchResult = "Failed"
	SwitchRefused    SwitchResult = "Refused"
	SwitchSuperseded SwitchResult = "Superseded"
	SwitchIgnored    SwitchResult = "Ignored"
)

// RegionStatus is what is known of a region.
type RegionStatus struct {
	// name of the region.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// breaker is the circuit breaker of the region.
	// +required
	Breaker BreakerStatus `json:"breaker,omitzero"`

	// spend is what the completions of the region's probes have cost, where there
	// is a limit to it. It is written when more is to be reserved, and along with
	// other changes.
	// +optional
	Spend *ProbeSpend `json:"spend,omitempty"`

	// effectiveMinDuration is what spec.failover.maxMinDuration makes of
	// minDuration for going back to this region, if it flaps.
	// +optional
	EffectiveMinDuration Duration `json:"effectiveMinDuration,omitempty"`
}

// BreakerStatus is the state of a circuit breaker.
type BreakerStatus struct {
	// state is Closed, for a region that may serve, or Open, for one that fails. A
	// breaker that is half open, which means that its time is over and probes try
	// the region, is shown as Open.
	// +required
	State BreakerState `json:"state,omitempty"`

	// since is when the state began.
	// +optional
	Since *metav1.MicroTime `json:"since,omitempty"`

	// openUntil is when an open breaker is tried next.
	// +optional
	OpenUntil *metav1.MicroTime `json:"openUntil,omitempty"`

	// retryAfterUntil is the end of the time for which the region asked to be left
	// alone.
	// +optional
	RetryAfterUntil *metav1.MicroTime `json:"retryAfterUntil,omitempty"`

	// reason is why it is in this state, such as Status503, Timeout or Recovered.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// openedBy is Probe or Traffic: who saw the failure that opened it.
	// +optional
	OpenedBy OpenedBy `json:"openedBy,omitempty"`

	// effectiveFailureThreshold is what mode Adaptive made of failureThreshold, if
	// that is another number. It is as old as the newest other change of the
	// status: it changes too often to be written for its own sake.
	// +optional
	// +kubebuilder:validation:Minimum=1
	EffectiveFailureThreshold int32 `json:"effectiveFailureThreshold,omitempty"`

	// effectiveOpenDuration is what mode Adaptive made of openDuration, in whole
	// seconds, if that is another time. It is as old as
	// effectiveFailureThreshold.
	// +optional
	EffectiveOpenDuration Duration `json:"effectiveOpenDuration,omitempty"`
}

// BreakerState is the state of a breaker.
//
// +kubebuilder:validation:Enum=Closed;Open
type BreakerState string

// The states of a breaker.
const (
	BreakerClosed BreakerState = "Closed"
	BreakerOpen   BreakerState = "Open"
)

// OpenedBy is who saw the failure that opened a breaker.
//
// +kubebuilder:validation:Enum=Probe;Traffic
type OpenedBy string

// Who opens breakers.
const (
	OpenedByProbe   OpenedBy = "Probe"
	OpenedByTraffic OpenedBy = "Traffic"
)

// Transition is an entry of the decision log.
type Transition struct {
	// seq is the number of the transition.
	// +required
	// +kubebuilder:validation:Minimum=1
	Seq int64 `json:"seq,omitempty"`

	// time of the transition.
	// +required
	Time metav1.MicroTime `json:"time,omitzero"`

	// type is BreakerOpened or BreakerClosed, of a region; FailedOver, FailedBack,
	// SwitchedOver or Reset, of the active region.
	// +required
	Type TransitionType `json:"type,omitempty"`

	// region whose breaker opened or closed.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Region string `json:"region,omitempty"`

	// from is the region that traffic left.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	From string `json:"from,omitempty"`

	// to is the region that traffic went to.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	To string `json:"to,omitempty"`

	// reason in one word, such as Status503 or BreakerOpen.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// message is the reason in a sentence.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Message string `json:"message,omitempty"`
}

// TransitionType is the kind of a transition.
//
// +kubebuilder:validation:Enum=BreakerOpened;BreakerClosed;FailedOver;FailedBack;SwitchedOver;Reset
type TransitionType string

// The types of transitions.
const (
	TransitionBreakerOpened TransitionType = "BreakerOpened"
	TransitionBreakerClosed TransitionType = "BreakerClosed"
	TransitionFailedOver    TransitionType = "FailedOver"
	TransitionFailedBack    TransitionType = "FailedBack"
	TransitionSwitchedOver  TransitionType = "SwitchedOver"
	TransitionReset         TransitionType = "Reset"
)
