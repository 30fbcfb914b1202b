// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// SignalsSpec says where to look for what real traffic meets.
type SignalsSpec struct {
	// prometheus asks a Prometheus server how many calls to each region fail.
	// +optional
	Prometheus PrometheusSignal `json:"prometheus,omitzero"`
}

// PrometheusSignal asks a Prometheus server, for each region, how many calls of
// the last while have failed. Too many are failures in the region's breaker.
// Data that is missing, stale or ambiguous says nothing, and neither do good
// numbers: they are about the past.
//
// +kubebuilder:validation:XValidation:rule="[has(self.preset), has(self.bad), has(self.errorRatio)].filter(e, e).size() == 1",message="exactly one of preset, bad and errorRatio must be set: name the software whose metrics these are, or write the query for the rate of failed calls and total beside it, or one for their share"
// +kubebuilder:validation:XValidation:rule="has(self.bad) ? has(self.total) : !has(self.preset) || !has(self.total)",message="total goes with bad, which needs it, or with errorRatio: write the query for the rate of all calls beside bad, or remove it beside preset"
type PrometheusSignal struct {
	// server is the address of the server, such as
	// http://prometheus.monitoring.svc:9090. It must be one that the operator's
	// flag --prometheus-servers allows, in the same words.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[!-~]+$') && !self.matches('[@?#]')",message="server must be a URL that begins with http:// or https://, without user, query and fragment, such as http://prometheus.monitoring.svc:9090"
	Server string `json:"server,omitempty"`

	// preset is the software whose metrics tell of the calls: Envoy, Istio,
	// LiteLLM or vLLM. It fills in the queries; a call has failed when its status
	// is 5xx.
	// +optional
	Preset SignalPreset `json:"preset,omitempty"`

	// bad is a query for the failed calls per second, in PromQL. Its result is one
	// number. ${selector} stands for what selectors say of the region, ${window}
	// for window. At most 1024 characters.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Bad string `json:"bad,omitempty"`

	// total is a query for all calls per second, as bad is for the failed ones.
	// Without it beside errorRatio, minCalls is not looked at.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Total string `json:"total,omitempty"`

	// errorRatio is a query for the share of calls that fail, from 0 to 1.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	ErrorRatio string `json:"errorRatio,omitempty"`

	// selectors say which series are a region's, as label matchers of PromQL. That
	// of a region that is not listed is region="<name>".
	// +optional
	// +listType=map
	// +listMapKey=region
	// +kubebuilder:validation:MaxItems=16
	Selectors []RegionSelector `json:"selectors,omitempty"`

	// window is how far back calls count, 10s to 1h: at least twice the interval
	// at which the server scrapes, and better four times. It is 1m unless set.
	// +optional
	// +kubebuilder:default="1m"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) >= duration('10s') && duration(self) <= duration('1h')",message="window must be 10s to 1h, such as 1m"
	Window Duration `json:"window,omitempty"`

	// period is how often the server is asked, 1s to 1h. It is 15s unless set.
	// +optional
	// +kubebuilder:default="15s"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) >= duration('1s') && duration(self) <= duration('1h')",message="period must be 1s to 1h, such as 15s"
	Period Duration `json:"period,omitempty"`

	// minCalls is how many calls the window must have before their failures count,
	// 1 to 100000. It is 10 unless set.
	// +optional
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	MinCalls int32 `json:"minCalls,omitempty"`

	// failurePercent is the share of failed calls, 1 to 100, from which on the
	// region fails. It is 50 unless set.
	// +optional
	// +kubebuilder:default=50
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	FailurePercent int32 `json:"failurePercent,omitempty"`
}

// RegionSelector says which series are a region's.
type RegionSelector struct {
	// region is the name of a region.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="region must be the name of a region: lower-case letters, digits and - between them, such as us-east"
	Region string `json:"region,omitempty"`

	// matchers are label matchers of PromQL, without braces, such as
	// envoy_cluster_name="us-east".
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="!self.matches('[{}]')",message="matchers must be label matchers without braces, separated by commas, such as envoy_cluster_name=\"us-east\""
	Matchers string `json:"matchers,omitempty"`
}

// SignalPreset is the software whose metrics tell of calls.
//
// +kubebuilder:validation:Enum=Envoy;Istio;LiteLLM;vLLM
type SignalPreset string

// The presets of signals.
const (
	SignalEnvoy   SignalPreset = "Envoy"
	SignalIstio   SignalPreset = "Istio"
	SignalLiteLLM SignalPreset = "LiteLLM"
	SignalVLLM    SignalPreset = "vLLM"
)
