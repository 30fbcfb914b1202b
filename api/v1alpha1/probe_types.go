// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// ProbeSpec says how regions are probed.
//
// +kubebuilder:validation:XValidation:rule="!has(self.timeout) || !has(self.period) || ![self.timeout, self.period].all(d, d.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')) || duration(self.timeout) <= duration(self.period)",fieldPath=".timeout",message="timeout must not be longer than period: shorten timeout or lengthen period"
type ProbeSpec struct {
	// preset is the software or the provider behind the endpoints: vLLM, SGLang,
	// TGI, LlamaCpp, Ollama, AzureOpenAI or Anthropic. It fills in type, http.path
	// and authorization.header where they are not set, and asks nothing that is
	// billed.
	// +optional
	Preset ProbePreset `json:"preset,omitempty"`

	// type is what a probe does: HTTP, a GET request whose answer is read; TCP, a
	// connection that is opened and closed; GRPC, a call of the standard health
	// service grpc.health.v1; OpenAIModels, a GET request for the list of models,
	// in which spec.model must be; OpenAICompletion, a chat completion of a few
	// tokens by spec.model, which a provider bills each time. Unless set it is
	// what preset says, or HTTP.
	// +optional
	Type ProbeType `json:"type,omitempty"`

	// http says what probes over HTTP ask and expect: those of types HTTP,
	// OpenAIModels and OpenAICompletion.
	// +optional
	HTTP HTTPProbe `json:"http,omitzero"`

	// grpc says what probes of type GRPC ask.
	// +optional
	GRPC GRPCProbe `json:"grpc,omitzero"`

	// authorization is the credential that probes send. They send none unless set.
	// +optional
	Authorization ProbeAuthorization `json:"authorization,omitzero"`

	// tls is for endpoints with https.
	// +optional
	TLS *ProbeTLS `json:"tls,omitempty"`

	// ladder is what probes ask beyond type, one after the other while the answers
	// are good: when the region is suspected, before traffic is moved there, and
	// to find out whether it has recovered; not when it is just time for a probe.
	// A rung of the type that is asked anyway is left out. OpenAICompletion, which
	// a provider bills, comes last. Nothing is asked beyond type unless it is set.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=2
	// +kubebuilder:validation:XValidation:rule="self.size() < 2 || self[0].type == 'OpenAIModels'",message="the ladder must end with what costs most: write OpenAIModels first and OpenAICompletion last"
	Ladder []ProbeRung `json:"ladder,omitempty"`

	// budget bounds what the completions of each region's probes may cost.
	// +optional
	Budget ProbeBudget `json:"budget,omitzero"`

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

// HTTPProbe says what a probe over HTTP asks and expects.
type HTTPProbe struct {
	// path of the request, beginning with "/". Unless set it is what preset says,
	// or else /health with type HTTP, /v1/models with type OpenAIModels and
	// /v1/chat/completions with type OpenAICompletion.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^/[!-~]*$') && !self.contains('#')",message="path must begin with / and hold only printable ASCII characters, without spaces and #: percent-encode the others, as in /health?model=a%20b"
	Path string `json:"path,omitempty"`

	// expect is what a good answer must be beside complete, with type HTTP. An
	// answer that is not so is a failure.
	// +optional
	Expect *HTTPExpectation `json:"expect,omitempty"`
}

// ProbeOverride overrides fields of ProbeSpec for one region.
type ProbeOverride struct {
	// preset overrides spec.probe.preset, and what spec.probe says of type, http
	// and authorization.header.
	// +optional
	Preset *ProbePreset `json:"preset,omitempty"`

	// type overrides spec.probe.type.
	// +optional
	Type *ProbeType `json:"type,omitempty"`

	// http overrides spec.probe.http.
	// +optional
	HTTP *HTTPProbeOverride `json:"http,omitempty"`

	// grpc overrides spec.probe.grpc as a whole.
	// +optional
	GRPC *GRPCProbe `json:"grpc,omitempty"`

	// authorization overrides spec.probe.authorization as a whole.
	// +optional
	Authorization ProbeAuthorization `json:"authorization,omitzero"`

	// tls overrides spec.probe.tls as a whole.
	// +optional
	TLS *ProbeTLS `json:"tls,omitempty"`

	// ladder overrides spec.probe.ladder as a whole.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=2
	// +kubebuilder:validation:XValidation:rule="self.size() < 2 || self[0].type == 'OpenAIModels'",message="the ladder must end with what costs most: write OpenAIModels first and OpenAICompletion last"
	Ladder *[]ProbeRung `json:"ladder,omitempty"`

	// budget overrides spec.probe.budget, field by field.
	// +optional
	Budget ProbeBudget `json:"budget,omitzero"`

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

	// expect overrides spec.probe.http.expect as a whole.
	// +optional
	Expect *HTTPExpectation `json:"expect,omitempty"`
}

// ProbeType is how a region is asked.
//
// +kubebuilder:validation:Enum=HTTP;TCP;GRPC;OpenAIModels;OpenAICompletion
type ProbeType string

// The types of probes.
const (
	ProbeHTTP             ProbeType = "HTTP"
	ProbeTCP              ProbeType = "TCP"
	ProbeGRPC             ProbeType = "GRPC"
	ProbeOpenAIModels     ProbeType = "OpenAIModels"
	ProbeOpenAICompletion ProbeType = "OpenAICompletion"
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
