// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package crd holds the CustomResourceDefinition of LLMBackends, for programs that need it without a cluster.
package crd

import _ "embed"

// LLMBackends is the CustomResourceDefinition, as YAML.
//
//go:embed bases/llm.breakwater.dev_llmbackends.yaml
var LLMBackends []byte
