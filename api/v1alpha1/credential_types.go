// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// ProbeAuthorization is the credential that probes send.
type ProbeAuthorization struct {
	// header in which the credential is sent. Unless set it is x-api-key with
	// preset Anthropic, api-key with preset AzureOpenAI, and Authorization
	// otherwise. In Authorization the credential is sent as a bearer token, in
	// other headers as it is.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9][-A-Za-z0-9]*$')",message="header must be letters, digits and -, such as Authorization or api-key"
	// +kubebuilder:validation:XValidation:rule="!(self.lowerAscii() in ['host', 'connection', 'content-length', 'content-type', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'proxy-authenticate', 'expect', 'accept', 'accept-encoding', 'user-agent'])",message="header must not be one that HTTP itself uses: write the one in which the server looks for its key, such as Authorization or api-key"
	Header string `json:"header,omitempty"`

	// secretKeyRef is where the credential is, in the namespace of the LLMBackend.
	// The Secret must have the annotation llm.breakwater.dev/allow-probes: "true",
	// because a credential is shown to whatever server the endpoint names. A
	// changed Secret is used within 5 minutes, and within 10 seconds when the old
	// credential is refused.
	// +required
	SecretKeyRef SecretKeyReference `json:"secretKeyRef,omitzero"`
}

// SecretKeyReference names a key of a Secret.
type SecretKeyReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$')",message="name must be one that an object can have: lower-case letters, digits, - and ., such as openai"
	Name string `json:"name,omitempty"`

	// key of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="key must be one that a Secret can have: letters, digits, -, _ and ., such as api-key"
	Key string `json:"key,omitempty"`
}

// ProbeTLS says how probes speak TLS, of version 1.2 at least.
type ProbeTLS struct {
	// serverName is the name that the certificate must be valid for, and that is
	// sent as such. It is spec.service.hostname unless set, which is what clients
	// send: set it only if they do the same.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$')",message="serverName must be a DNS name in lower case, without scheme, port and a dot at the end, such as llm.example.com"
	ServerName string `json:"serverName,omitempty"`

	// caCertificateRef is where the certificates are that are trusted: PEM under
	// the key ca.crt, in the namespace of the LLMBackend. Those of the operator's
	// system are trusted unless it is set.
	// +optional
	CACertificateRef CACertificateReference `json:"caCertificateRef,omitzero"`

	// clientCertificateRef is a Secret of type kubernetes.io/tls, in the namespace
	// of the LLMBackend, with the certificate that probes show. It must have the
	// annotation llm.breakwater.dev/allow-probes: "true".
	// +optional
	ClientCertificateRef ClientCertificateReference `json:"clientCertificateRef,omitzero"`
}

// CACertificateReference names a ConfigMap or a Secret.
type CACertificateReference struct {
	// kind is ConfigMap or Secret. It is ConfigMap unless set. A Secret must have
	// the annotation llm.breakwater.dev/allow-probes: "true".
	// +optional
	// +kubebuilder:default=ConfigMap
	Kind CACertificateKind `json:"kind,omitempty"`

	// name of the object.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$')",message="name must be one that an object can have: lower-case letters, digits, - and ., such as openai"
	Name string `json:"name,omitempty"`
}

// CACertificateKind is the kind of object that holds CA certificates.
//
// +kubebuilder:validation:Enum=ConfigMap;Secret
type CACertificateKind string

// The kinds of objects that hold CA certificates.
const (
	CACertificateConfigMap CACertificateKind = "ConfigMap"
	CACertificateSecret    CACertificateKind = "Secret"
)

// ClientCertificateReference names a Secret.
type ClientCertificateReference struct {
	// name of the Secret.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$')",message="name must be one that an object can have: lower-case letters, digits, - and ., such as openai"
	Name string `json:"name,omitempty"`
}
