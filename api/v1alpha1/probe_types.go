// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// ProbeSpec says how regions are probed.
//
// +kubebuilder:validation:XValidation:rule="!has(self.timeout) || !has(self.period) || ![self.timeout, self.period].all(d, d.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')) || duration(self.timeout) <= duration(self.period)",fieldPath=".timeout",message="timeout must not be longer than period: shorten timeout or lengthen period"
type ProbeSpec struct {
	// type is HTTP, a GET request whose status code is read, or TCP, a connection
	// that is opened and closed. It is HTTP unless set.
	// +optional
	// +kubebuilder:default=HTTP
	Type ProbeType `json:"type,omitempty"`

	// http says what an HTTP probe asks.
	// +optional
	// +kubebuilder:default={}
	HTTP HTTPProbe `json:"http,omitzero"`

	// mode is Active, to probe every period, or OnDemand, to probe only before
	// traffic is moved (holding and a failback that is due included) and to find
	// out whether a failing region has recovered. It is Active unless set.
	// +optional
	// +kubebuilder:default=Active
	Mode ProbeMode `json:"mode,omitempty"`

	// period between the starts of two probes of a region, 100ms to 1h. It is 5s
	// unless set.
	// +optional
	// +kubebuilder:default="5s"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) >= duration('100ms') && duration(self) <= duration('1h')",message="period must be 100ms to 1h, such as 5s"
	Period Duration `json:"period,omitempty"`

	// suspectPeriod replaces period for the active region while its last outcome
	// was a failure; it is also the time between two rounds of probes while no
	// region answers. 100ms to 1h; 1s unless set. It may be shorter than timeout:
	// the next probe then starts when the last one ends.
	// +optional
	// +kubebuilder:default="1s"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) >= duration('100ms') && duration(self) <= duration('1h')",message="suspectPeriod must be 100ms to 1h, such as 1s"
	SuspectPeriod Duration `json:"suspectPeriod,omitempty"`

	// timeout of one probe, from resolving the name to the end of the answer:
	// 100ms to 1h, and not longer than period. It is 3s unless set.
	// +optional
	// +kubebuilder:default="3s"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) >= duration('100ms') && duration(self) <= duration('1h')",message="timeout must be 100ms to 1h, such as 3s"
	Timeout Duration `json:"timeout,omitempty"`

	// successThreshold is how many probes in a row must succeed before a failing
	// region counts as recovered, 1 to 10. It is 1 unless set.
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	SuccessThreshold int32 `json:"successThreshold,omitempty"`
}

// HTTPProbe says what an HTTP probe asks.
type HTTPProbe struct {
	// path of the GET request, beginning with "/". It is /health unless set.
	// +optional
	// +kubebuilder:default="/health"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^/[!-~]*$') && !self.contains('#')",message="path must begin with / and hold only printable ASCII characters, without spaces and #: percent-encode the others, as in /health?model=a%20b"
	Path string `json:"path,omitempty"`
}

// ProbeOverride overrides fields of ProbeSpec for one region.
type ProbeOverride struct {
	// type overrides spec.probe.type.
	// +optional
	Type *ProbeType `json:"type,omitempty"`

	// http overrides spec.probe.http.
	// +optional
	HTTP *HTTPProbeOverride `json:"http,omitempty"`

	// mode overrides spec.probe.mode.
	// +optional
	Mode *ProbeMode `json:"mode,omitempty"`

	// period overrides spec.probe.period.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) >= duration('100ms') && duration(self) <= duration('1h')",message="period must be 100ms to 1h, such as 5s"
	Period *Duration `json:"period,omitempty"`

	// suspectPeriod overrides spec.probe.suspectPeriod.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) >= duration('100ms') && duration(self) <= duration('1h')",message="suspectPeriod must be 100ms to 1h, such as 1s"
	SuspectPeriod *Duration `json:"suspectPeriod,omitempty"`

	// timeout overrides spec.probe.timeout.
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$') || duration(self) >= duration('100ms') && duration(self) <= duration('1h')",message="timeout must be 100ms to 1h, such as 3s"
	Timeout *Duration `json:"timeout,omitempty"`

	// successThreshold overrides spec.probe.successThreshold.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	SuccessThreshold *int32 `json:"successThreshold,omitempty"`
}

// HTTPProbeOverride overrides fields of HTTPProbe for one region.
type HTTPProbeOverride struct {
	// path overrides spec.probe.http.path.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^/[!-~]*$') && !self.contains('#')",message="path must begin with / and hold only printable ASCII characters, without spaces and #: percent-encode the others, as in /health?model=a%20b"
	Path *string `json:"path,omitempty"`
}

// ProbeType is how a region is asked.
//
// +kubebuilder:validation:Enum=HTTP;TCP
type ProbeType string

// The types of probes.
const (
	ProbeHTTP ProbeType = "HTTP"
	ProbeTCP  ProbeType = "TCP"
)

// ProbeMode says when regions are probed.
//
// +kubebuilder:validation:Enum=Active;OnDemand
type ProbeMode string

// The modes of probing.
const (
	ProbeActive   ProbeMode = "Active"
	ProbeOnDemand ProbeMode = "OnDemand"
)
