// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// ProbePreset is the software or the provider behind an endpoint.
//
// +kubebuilder:validation:Enum=vLLM;SGLang;TGI;LlamaCpp;Ollama;AzureOpenAI;Anthropic
type ProbePreset string

// The presets.
const (
	PresetVLLM        ProbePreset = "vLLM"
	PresetSGLang      ProbePreset = "SGLang"
	PresetTGI         ProbePreset = "TGI"
	PresetLlamaCpp    ProbePreset = "LlamaCpp"
	PresetOllama      ProbePreset = "Ollama"
	PresetAzureOpenAI ProbePreset = "AzureOpenAI"
	PresetAnthropic   ProbePreset = "Anthropic"
)
