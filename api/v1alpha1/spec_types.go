// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// LLMBackendSpec says which regions serve the model and how traffic is kept on
// one that answers.
//
// +kubebuilder:validation:XValidation:rule="!has(self.secondaries) || !self.secondaries.exists(s, s.name == self.primary.name)",fieldPath=".primary.name",message="region names must be unique, and a secondary region has this one: give one of the two another name"
// +kubebuilder:validation:XValidation:rule="!has(self.secondaries) || [has(self.primary.endpoint.url) ? (self.primary.endpoint.url.startsWith('https://') ? 'HTTPS' : self.primary.endpoint.url.startsWith('http://') ? 'HTTP' : 'UNKNOWN') : has(self.primary.endpoint.serviceRef) ? self.primary.endpoint.serviceRef.scheme : 'UNKNOWN'].all(p, self.secondaries.all(s, [has(s.endpoint.url) ? (s.endpoint.url.startsWith('https://') ? 'HTTPS' : s.endpoint.url.startsWith('http://') ? 'HTTP' : 'UNKNOWN') : has(s.endpoint.serviceRef) ? s.endpoint.serviceRef.scheme : 'UNKNOWN'].all(t, p == 'UNKNOWN' || t == 'UNKNOWN' || t == p)))",fieldPath=".secondaries",message="all regions must have the scheme of the primary region, because a Service does not change what clients send: write http:// in every endpoint url and HTTP in every serviceRef.scheme, or https:// and HTTPS in every one"
// +kubebuilder:validation:XValidation:rule="!has(self.primary.probe) || !(has(self.primary.probe.timeout) || has(self.primary.probe.period)) || [[has(self.primary.probe.timeout) ? self.primary.probe.timeout : self.probe.timeout, has(self.primary.probe.period) ? self.primary.probe.period : self.probe.period]].all(d, !d.all(e, e.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')) || duration(d[0]) <= duration(d[1]))",fieldPath=".primary.probe",message="timeout must not be longer than period (what a region does not set is as in spec.probe): shorten timeout or lengthen period"
// +kubebuilder:validation:XValidation:rule="!has(self.secondaries) || self.secondaries.all(s, !has(s.probe) || !(has(s.probe.timeout) || has(s.probe.period)) || [[has(s.probe.timeout) ? s.probe.timeout : self.probe.timeout, has(s.probe.period) ? s.probe.period : self.probe.period]].all(d, !d.all(e, e.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')) || duration(d[0]) <= duration(d[1])))",fieldPath=".secondaries",message="probe: timeout must not be longer than period (what a region does not set is as in spec.probe): shorten timeout or lengthen period"
// +kubebuilder:validation:XValidation:rule="has(self.model) || !(has(self.probe) && has(self.probe.type) && self.probe.type == 'OpenAICompletion' || has(self.primary.probe) && has(self.primary.probe.type) && self.primary.probe.type == 'OpenAICompletion' || has(self.secondaries) && self.secondaries.exists(s, has(s.probe) && has(s.probe.type) && s.probe.type == 'OpenAICompletion'))",fieldPath=".model",message="probes of type OpenAICompletion need the name of the model that they are to ask: write it into spec.model"
// +kubebuilder:validation:XValidation:rule="has(self.model) || !(has(self.probe) && has(self.probe.ladder) && self.probe.ladder.exists(r, r.type == 'OpenAICompletion') || has(self.primary.probe) && has(self.primary.probe.ladder) && self.primary.probe.ladder.exists(r, r.type == 'OpenAICompletion') || has(self.secondaries) && self.secondaries.exists(s, has(s.probe) && has(s.probe.ladder) && s.probe.ladder.exists(r, r.type == 'OpenAICompletion')))",fieldPath=".model",message="a ladder with OpenAICompletion needs the name of the model that it is to ask: write it into spec.model"
type LLMBackendSpec struct {
	// model is the name by which the regions serve the model. Probes of type
	// OpenAIModels look for it in the list of models, those of type
	// OpenAICompletion ask it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Model string `json:"model,omitempty"`

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

	// signals say where to look for what real traffic meets.
	// +optional
	Signals SignalsSpec `json:"signals,omitzero"`

	// failover says when traffic is moved.
	// +optional
	// +kubebuilder:default={}
	Failover FailoverSpec `json:"failover,omitzero"`
}

// ServiceSpec is the Service that clients call.
type ServiceSpec struct {
	// name of the Service: at most 63 lower-case letters, digits and "-",
	// beginning with a letter. It is the name of the LLMBackend unless set, and
	// must be set where that name has another form. It cannot be changed later.
	// The operator creates the Service if it does not exist. A Service that exists
	// is used only if it has no selector and the annotation
	// llm.breakwater.dev/backend with the name of this LLMBackend.
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
