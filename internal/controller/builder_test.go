// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// chat returns an LLMBackend as the API server would hand it out, defaults applied.
func chat() *llmv1alpha1.LLMBackend {
	return &llmv1alpha1.LLMBackend{
		ObjectMeta: metav1.ObjectMeta{Name: "chat", Namespace: "apps", UID: "uid-1", Generation: 3},
		Spec: llmv1alpha1.LLMBackendSpec{
			Service: llmv1alpha1.ServiceSpec{Port: 80},
			Primary: llmv1alpha1.Region{Name: "us-east", Endpoint: llmv1alpha1.Endpoint{URL: "http://10.1.0.10:8000"}},
			Secondaries: []llmv1alpha1.Region{
				{Name: "eu-west", Endpoint: llmv1alpha1.Endpoint{URL: "http://vllm.example.com"}},
			},
			Probe: llmv1alpha1.ProbeSpec{
				Type: llmv1alpha1.ProbeHTTP, HTTP: llmv1alpha1.HTTPProbe{Path: "/health"}, Mode: llmv1alpha1.ProbeActive,
				Period: "5s", SuspectPeriod: "1s", Timeout: "3s", SuccessThreshold: 1,
			},
			Breaker: llmv1alpha1.BreakerSpec{
				FailureThreshold: 5, OpenDuration: "60s", RetryAfterThreshold: "2m", FailureStatusCodes: []int32{503},
			},
			Failover: llmv1alpha1.FailoverSpec{
				Mode: llmv1alpha1.FailoverAutomatic, MinDuration: "30s", Failback: llmv1alpha1.FailbackAutomatic,
			},
		},
	}
}
