// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "k8s.io/apimachinery/pkg/util/intstr"

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

// Endpoint is where a region answers: exactly one of url and serviceRef.
//
// +kubebuilder:validation:XValidation:rule="has(self.url) != has(self.serviceRef)",message="an endpoint must have exactly one of url and serviceRef: write url: http://10.1.0.10:8000 for a server outside the cluster, or serviceRef: {name: vllm, port: 8000} for a Service in it"
type Endpoint struct {
	// url is scheme, host and port, such as http://10.1.0.10:8000,
	// http://[fd00::10]:8000 or https://vllm.example.com. Without a port it is 80
	// with http and 443 with https. There is no path, not even "/": a Service
	// moves packets and leaves the path as clients send it. A host name is
	// resolved by the operator, again and again; all its addresses are probed, and
	// those that answer are published. A dot at its end keeps search domains out.
	// The cluster IP of a Service cannot be used: refer to the Service by
	// serviceRef.
	// +optional
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

	// serviceRef names a Service whose Pods serve the model. Its ready endpoints
	// are published, and followed as they come and go.
	// +optional
	ServiceRef ServiceReference `json:"serviceRef,omitzero"`
}

// ServiceReference names a port of a Service.
type ServiceReference struct {
	// name of the Service. It must have endpoints: with a selector, headless or
	// with EndpointSlices made by hand, but not of type ExternalName. It must not
	// be one that an LLMBackend publishes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="serviceRef.name must be the name of a Service, without its namespace: lower-case letters, digits and - between them, such as vllm"
	Name string `json:"name,omitempty"`

	// namespace of the Service; the one of the LLMBackend unless set. Another one
	// must allow it by a ReferenceGrant (gateway.networking.k8s.io) from
	// LLMBackends of this namespace to Services.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="serviceRef.namespace must be the name of a namespace: lower-case letters, digits and - between them, such as models"
	Namespace string `json:"namespace,omitempty"`

	// port of the Service, by number (1 to 65535) or by name, as in its
	// spec.ports; TCP. Where the Pods listen follows from it. A port whose name
	// begins with a digit is given by its number.
	// +required
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 1 && self <= 65535 : self >= 'a' && self.size() <= 63",message="serviceRef.port must be a port of the Service: its number from 1 to 65535 without quotes, such as 8000, or its name, such as http"
	Port intstr.IntOrString `json:"port,omitzero"`

	// scheme that the Pods speak. It is HTTP unless set.
	// +optional
	// +kubebuilder:default=HTTP
	Scheme Scheme `json:"scheme,omitempty"`
}

// Scheme is what a server speaks.
//
// +kubebuilder:validation:Enum=HTTP;HTTPS
type Scheme string

// The schemes.
const (
	SchemeHTTP  Scheme = "HTTP"
	SchemeHTTPS Scheme = "HTTPS"
)
