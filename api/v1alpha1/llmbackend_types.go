// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// LLMBackend keeps in-cluster traffic to a language model on a region that
// answers. It names one primary region and an ordered list of secondary
// regions that serve the same model. Every region is probed; when the active
// region fails, the EndpointSlices behind a Service are pointed at the best
// region that answers. Clients keep calling the Service.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=llmb,categories=breakwater
// +kubebuilder:printcolumn:name="Active",type=string,JSONPath=`.status.activeRegion`,description="The region that traffic goes to"
// +kubebuilder:printcolumn:name="Primary",type=string,JSONPath=`.spec.primary.name`
// +kubebuilder:printcolumn:name="FailedOver",type=string,JSONPath=`.status.conditions[?(@.type=="FailedOver")].status`,description="True while traffic does not go to the primary region"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Seq",type=integer,JSONPath=`.status.transitionSeq`,description="The number of the newest transition"
// +kubebuilder:printcolumn:name="Since",type=date,JSONPath=`.status.activeSince`,description="How long traffic has gone to the active region"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Endpoint",type=string,priority=1,JSONPath=`.status.activeEndpoint`,description="The endpoint of the active region"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.transitionSeq) || has(self.status) && has(self.status.transitionSeq) && self.status.transitionSeq >= oldSelf.status.transitionSeq",fieldPath=".status.transitionSeq",message="status.transitionSeq never goes down and is never removed: leave status to the operator; to start over, delete the LLMBackend and create it again"
// +kubebuilder:validation:XValidation:rule="(has(self.spec.service.name) ? self.spec.service.name : self.metadata.name) == (has(oldSelf.spec.service.name) ? oldSelf.spec.service.name : oldSelf.metadata.name)",fieldPath=".spec.service.name",message="the name of the Service cannot be changed, and is metadata.name where spec.service.name is not set: put back what it was, or delete the LLMBackend and create it again"
// +kubebuilder:validation:XValidation:rule="oldSelf.hasValue() || has(self.spec.service.name) || self.metadata.name.matches('^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$')",optionalOldSelf=true,fieldPath=".spec.service.name",message="a Service cannot have the name of this LLMBackend: set spec.service.name, or choose a metadata.name of at most 63 lower-case letters, digits and - between them, beginning with a letter, such as chat"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.primary.endpoint.serviceRef) || has(self.spec.primary.endpoint.serviceRef.namespace) || self.spec.primary.endpoint.serviceRef.name != (has(self.spec.service.name) ? self.spec.service.name : self.metadata.name)",fieldPath=".spec.primary.endpoint.serviceRef.name",message="serviceRef must not name the Service that this LLMBackend publishes: name the Service that finds the Pods, or set another spec.service.name"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.secondaries) || !self.spec.secondaries.exists(s, has(s.endpoint.serviceRef) && !has(s.endpoint.serviceRef.namespace) && s.endpoint.serviceRef.name == (has(self.spec.service.name) ? self.spec.service.name : self.metadata.name))",fieldPath=".spec.secondaries",message="serviceRef must not name the Service that this LLMBackend publishes: name the Service that finds the Pods, or set another spec.service.name"
type LLMBackend struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec says which regions serve the model, and when traffic moves between
	// them.
	// +required
	Spec LLMBackendSpec `json:"spec,omitzero"`

	// status says where traffic goes and why. Only the operator writes it.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status LLMBackendStatus `json:"status,omitzero"`
}

// LLMBackendList is a list of LLMBackends.
//
// +kubebuilder:object:root=true
type LLMBackendList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items are the LLMBackends.
	Items []LLMBackend `json:"items"`
}
