// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package translate

import (
	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/probe"
)

// preset is what a preset fills in: the free question that says most. The table in docs/probes.md says why.
type preset struct {
	kind         llmv1alpha1.ProbeType
	path         string
	authorizedBy string // the header of the credential; Authorization if empty
	headers      []probe.Header
}

func presetOf(p llmv1alpha1.ProbePreset, model string) preset {
	switch p {
	case llmv1alpha1.PresetVLLM, llmv1alpha1.PresetSGLang, llmv1alpha1.PresetTGI, llmv1alpha1.PresetLlamaCpp:
		return preset{kind: llmv1alpha1.ProbeHTTP, path: "/health"}
	case llmv1alpha1.PresetOllama:
		if model != "" { // its own endpoints say that it runs, and nothing of models
			return preset{kind: llmv1alpha1.ProbeOpenAIModels}
		}
		return preset{kind: llmv1alpha1.ProbeHTTP, path: "/api/version"}
	case llmv1alpha1.PresetAzureOpenAI:
		return preset{kind: llmv1alpha1.ProbeHTTP, path: "/status-0123456789abcdef", authorizedBy: "api-key"}
	case llmv1alpha1.PresetAnthropic:
		return preset{
			kind: llmv1alpha1.ProbeOpenAIModels, path: "/v1/models?limit=1000", authorizedBy: "x-api-key",
			headers: []probe.Header{{Name: "anthropic-version", Value: "2023-06-01"}},
		}
	default:
		return preset{kind: llmv1alpha1.ProbeHTTP}
	}
}

// defaultPath is what probes of a type ask for where neither spec nor preset says so.
func defaultPath(t llmv1alpha1.ProbeType) string {
	switch t {
	case llmv1alpha1.ProbeOpenAIModels:
		return "/v1/models"
	case llmv1alpha1.ProbeOpenAICompletion:
		return "/v1/chat/completions"
	default:
		return "/health"
	}
}

// defaultAuthorization is the header of the credential where neither spec nor preset says so.
const defaultAuthorization = "Authorization"
