// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// LLMBackendSpec says which regions serve the model and how traffic is kept on
// one that answers.
//
// +kubebuilder:validation:XValidation:rule="!has(self.secondaries) || !self.secondaries.exists(s, s.name == self.primary.name)",fieldPath=".primary.name",message="region names must be unique, and a secondary region has this one: give one of the two another name"
// +kubebuilder:validation:XValidation:rule="!has(self.secondaries) || !self.secondaries.exists(s, s.endpoint.url.startsWith('https://') ? self.primary.endpoint.url.startsWith('http://') : s.endpoint.url.startsWith('http://') && self.primary.endpoint.url.startsWith('https://'))",fieldPath=".secondaries",message="all regions must have the scheme of the primary region, because a Service does not change what clients send: write http:// in every endpoint url, or https:// in every one"
// +kubebuilder:validation:XValidation:rule="!has(self.primary.probe) || !(has(self.primary.probe.timeout) || has(self.primary.probe.period)) || [[has(self.primary.probe.timeout) ? self.primary.probe.timeout : self.probe.timeout, has(self.primary.probe.period) ? self.primary.probe.period : self.probe.period]].all(d, !d.all(e, e.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')) || duration(d[0]) <= duration(d[1]))",fieldPath=".primary.probe",message="timeout must not be longer than period (what a region does not set is as in spec.probe): shorten timeout or lengthen period"
// +kubebuilder:validation:XValidation:rule="!has(self.secondaries) || self.secondaries.all(s, !has(s.probe) || !(has(s.probe.timeout) || has(s.probe.period)) || [[has(s.probe.timeout) ? s.probe.timeout : self.probe.timeout, has(s.probe.period) ? s.probe.period : self.probe.period]].all(d, !d.all(e, e.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')) || duration(d[0]) <= duration(d[1])))",fieldPath=".secondaries",message="probe: timeout must not be longer than period (what a region does not set is as in spec.probe): shorten timeout or lengthen period"
type LLMBackendSpec struct {
	// service is the Service that clients call, in the namespace of the
	// LLMBackend.
	// +optional
	// +kubebuilder:default={}
	Service ServiceSpec `json:"service,omitzero"`

	// primary is the region that traffic goes to as long as it answers.
	// +required
	Primary Region `json:"primary,omitzero"`

	// secondaries are the regions that traffic goes to when the primary region
	// fails, the preferred one first. At most 15. Without any there is nothing to
	// fail over to, and a condition says so.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=15
	Secondaries []Region `json:"secondaries,omitempty"`

	// probe says how every region is probed. A region may override it, field by
	// field.
	// +optional
	// +kubebuilder:default={}
	Probe ProbeSpec `json:"probe,omitzero"`

	// breaker says when a region counts as failing, and for how long.
	// +optional
	// +kubebuilder:default={}
	Breaker BreakerSpec `json:"breaker,omitzero"`

	// failover says when traffic is moved.
	// +optional
	// +kubebuilder:default={}
	Failover FailoverSpec `json:"failover,omitzero"`
}

// ServiceSpec is the Service that clients call.
type ServiceSpec struct {
	// name of the Service; the name of the LLMBackend unless set, which it must be
	// where that is no name for a Service (lower-case letters, digits and "-", at
	// most 63, beginning with a letter). It cannot be changed later. The operator
	// creates the Service if it does not exist. A Service that exists is used only
	// if it has no selector and the annotation llm.breakwater.dev/backend with the
	// name of this LLMBackend.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="name must be one that a Service can have: lower-case letters, digits and - between them, beginning with a letter, such as chat"
	Name string `json:"name,omitempty"`

	// port is what clients call, 1 to 65535. It is 80 unless set.
	// +optional
	// +kubebuilder:default=80
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port int32 `json:"port,omitempty"`

	// hostname is what clients send as Host, and as TLS server name with https,
	// and so what probes send. It is <service>.<namespace>.svc unless set. A
	// region that answers only to its own name is unhealthy here: a Service does
	// not rewrite what clients send.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$')",message="hostname must be a DNS name in lower case, without scheme, port and a dot at the end, such as chat.apps.svc"
	Hostname string `json:"hostname,omitempty"`

	// ipFamilies are the IP families of the Service when the operator creates it:
	// IPv4, IPv6 or both, the preferred one first. It is the default family of the
	// cluster unless set. Every region needs an address in each of them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	// +kubebuilder:validation:XValidation:rule="self.size() < 2 || self[0] != self[1]",message="ipFamilies must not repeat a family: write IPv4, IPv6 or both"
	IPFamilies []IPFamily `json:"ipFamilies,omitempty"`

	// deletionPolicy says what becomes of Service and EndpointSlices when the
	// LLMBackend is deleted: Delete removes them, Retain leaves traffic where it
	// is. It is Delete unless set.
	// +optional
	// +kubebuilder:default=Delete
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// IPFamily is a family of IP addresses.
//
// +kubebuilder:validation:Enum=IPv4;IPv6
type IPFamily string

// The families of IP addresses.
const (
	IPv4 IPFamily = "IPv4"
	IPv6 IPFamily = "IPv6"
)

// DeletionPolicy says what becomes of Service and EndpointSlices when the
// LLMBackend is deleted.
//
// +kubebuilder:validation:Enum=Delete;Retain
type DeletionPolicy string

// The deletion policies.
const (
	DeletionDelete DeletionPolicy = "Delete"
	DeletionRetain DeletionPolicy = "Retain"
)

// Region is one place that serves the model.
type Region struct {
	// name of the region, unique among primary and secondaries: a DNS label of at
	// most 63 characters.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="name must be a DNS label: lower-case letters, digits and - between them, such as us-east"
	Name string `json:"name,omitempty"`

	// endpoint is where the region answers.
	// +required
	Endpoint Endpoint `json:"endpoint,omitzero"`

	// probe overrides spec.probe for this region, field by field.
	// +optional
	Probe *ProbeOverride `json:"probe,omitempty"`
}

// Endpoint is where a region answers.
type Endpoint struct {
	// url is scheme, host and port, such as http://10.1.0.10:8000,
	// http://[fd00::10]:8000 or https://vllm.example.com. Without a port it is 80
	// with http and 443 with https. There is no path, not even "/": a Service
	// moves packets and leaves the path as clients send it. A host name is
	// resolved by the operator, again and again; all its addresses are probed, and
	// those that answer are published. A dot at its end keeps search domains out.
	// The cluster IP of a Service cannot be used.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=268
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://')",message="url must begin with http:// or https://, in lower case, such as http://10.1.0.10:8000"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^https?://[^/?#]*@')",message="url must not hold a user or password: remove everything between // and @, and the @"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^https?://[^/?#@]*[/?#]')",message="url must end after host and port, because a Service does not change the path that clients send: remove path, query and fragment, also a / at the end"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^https?://([^[/?#@][^/?#@]*)?$') || self.matches('^https?://[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?([.][A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?)*[.]?(:[^:/?#@]*)?$')",message="the host in url must be a DNS name of letters, digits, - and . (with at most 63 characters between two dots), an IPv4 address, or an IPv6 address in brackets, such as http://vllm.example.com, http://10.1.0.10:8000 or http://[fd00::10]:8000"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^https?://([^[:/?#@]+|[[][^]/?#@]*[]]):[^:/?#@]*$') || self.matches(':([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$')",message="the port in url must be a number from 1 to 65535 without leading zeros, such as :8000; without a port, leave out the : too"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^https?://([-A-Za-z0-9]+[.])*([0-9]+|0[xX][0-9a-fA-F]*)[.]?(:[^:/?#@]*)?$') || self.matches('^https?://((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])[.]){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(:[^:/?#@]*)?$')",message="an IPv4 address in url must be four decimal numbers from 0 to 255 without leading zeros, such as 10.1.0.10"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^https?://[[][^/?#@]*$') || (self.matches('^https?://[[][0-9a-fA-F:.]+[]](:[^:/?#@]*)?$') && isIP(self.split('[')[1].split(']')[0]) && ip(self.split('[')[1].split(']')[0]).family() == 6)",message="what is in brackets in url must be an IPv6 address, without a zone and not an IPv4 address in disguise, and only a port may follow, such as http://[fd00::10]:8000"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^https?://[0-9.]+(:[^:/?#@]*)?$') || !isIP(self.split('/')[2].split(':')[0]) || ip(self.split('/')[2].split(':')[0]).isGlobalUnicast()",message="url must not lead to a loopback, link-local, multicast, broadcast or unspecified address: write one that clients in the cluster can reach, such as 10.1.0.10"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^https?://[[][0-9a-fA-F:.]+[]](:[^:/?#@]*)?$') || !isIP(self.split('[')[1].split(']')[0]) || ip(self.split('[')[1].split(']')[0]).family() == 4 || ip(self.split('[')[1].split(']')[0]).isGlobalUnicast()",message="url must not lead to a loopback, link-local, multicast, broadcast or unspecified address: write one that clients in the cluster can reach, such as [fd00::10]"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^https?://(?i:([-a-z0-9]+[.])*localhost)[.]?(:[^:/?#@]*)?$')",message="url must not name localhost, which is another host for everybody: write a name or an address that clients in the cluster can reach, such as 10.1.0.10"
	URL string `json:"url,omitempty"`
}

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

// BreakerSpec holds the limits of the circuit breaker that every region has.
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
	// limiting, and every other code says nothing about health. They are 500, 502,
	// 503, 504 and 529 unless set. At most 32 codes, from 400 to 599, without 429.
	// +optional
	// +listType=set
	// +kubebuilder:default={500,502,503,504,529}
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:Minimum=400
	// +kubebuilder:validation:items:Maximum=599
	// +kubebuilder:validation:XValidation:rule="!self.exists(c, c == 429)",message="429 cannot be a failure status code, because rate limiting has rules of its own: remove it, and see retryAfterThreshold"
	FailureStatusCodes []int32 `json:"failureStatusCodes,omitempty"`

	// mode is Fixed: failureThreshold and openDuration are used as they are. It is
	// Fixed unless set.
	// +optional
	// +kubebuilder:default=Fixed
	Mode BreakerMode `json:"mode,omitempty"`
}

// BreakerMode says how the limits of a breaker are used.
//
// +kubebuilder:validation:Enum=Fixed
type BreakerMode string

// BreakerFixed uses the limits as they are.
const BreakerFixed BreakerMode = "Fixed"

// FailoverSpec says when traffic is moved.
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
