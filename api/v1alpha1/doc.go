// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 contains the API of Breakwater, group llm.breakwater.dev, version v1alpha1.
//
// It needs Kubernetes 1.34 or newer. The newest feature that its schema rests on is validation ratcheting,
// which is stable, and cannot be turned off, since 1.33: without it, a rule that is added later would refuse
// every update of an object stored before it. The others are older: optional old values in CEL rules and the
// CEL library of IP addresses (1.30), the field path of a rule (1.28).
//
// +kubebuilder:object:generate=true
// +groupName=llm.breakwater.dev
package v1alpha1
