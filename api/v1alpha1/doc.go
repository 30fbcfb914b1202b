// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 contains the API of Breakwater, group llm.breakwater.dev, version v1alpha1.
//
// It needs Kubernetes 1.34 or newer. The oldest feature that it rests on is the CEL IP library (in CRD
// validation since 1.30); the rest is what CRD validation has had since it became stable: CEL with
// transition rules (1.29) and validation ratcheting (stable since 1.33), without which an object that was
// stored before a rule existed could not be updated any more.
//
// +kubebuilder:object:generate=true
// +groupName=llm.breakwater.dev
package v1alpha1
