// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// backendBuilder builds LLMBackends.
type backendBuilder struct{ b llmv1alpha1.LLMBackend }

// makeLLMBackend returns a builder of an LLMBackend that fails over within half a second, so that tests are
// short, and whose probes have a second to be answered, so that a busy machine is not taken for a failure.
func makeLLMBackend(name string) *backendBuilder {
	return &backendBuilder{llmv1alpha1.LLMBackend{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: llmv1alpha1.LLMBackendSpec{
			Probe:    llmv1alpha1.ProbeSpec{Period: "1s", SuspectPeriod: "100ms", Timeout: "1s"},
			Breaker:  llmv1alpha1.BreakerSpec{FailureThreshold: 3, OpenDuration: "1s"},
			Failover: llmv1alpha1.FailoverSpec{MinDuration: "0s"},
		},
	}}
}

func (m *backendBuilder) primary(name, url string) *backendBuilder {
	m.b.Spec.Primary = llmv1alpha1.Region{Name: name, Endpoint: llmv1alpha1.Endpoint{URL: url}}
	return m
}

// primaryRef has the primary region be a Service.
func (m *backendBuilder) primaryRef(name string, ref llmv1alpha1.ServiceReference) *backendBuilder {
	m.b.Spec.Primary = llmv1alpha1.Region{Name: name, Endpoint: llmv1alpha1.Endpoint{ServiceRef: ref}}
	return m
}

func (m *backendBuilder) secondaryRef(name string, ref llmv1alpha1.ServiceReference) *backendBuilder {
	m.b.Spec.Secondaries = append(m.b.Spec.Secondaries,
		llmv1alpha1.Region{Name: name, Endpoint: llmv1alpha1.Endpoint{ServiceRef: ref}})
	return m
}

func (m *backendBuilder) secondary(name, url string) *backendBuilder {
	m.b.Spec.Secondaries = append(m.b.Spec.Secondaries,
		llmv1alpha1.Region{Name: name, Endpoint: llmv1alpha1.Endpoint{URL: url}})
	return m
}

func (m *backendBuilder) annotate(key, value string) *backendBuilder {
	metav1.SetMetaDataAnnotation(&m.b.ObjectMeta, key, value)
	return m
}

func (m *backendBuilder) edit(edits ...edit) *backendBuilder {
	for _, e := range edits {
		e(&m.b.Spec)
	}
	return m
}

func (m *backendBuilder) obj() *llmv1alpha1.LLMBackend { return m.b.DeepCopy() }
