// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "time"

// Duration is a length of time: numbers with the units h, m, s and ms, such as
// "5s", "1m30s" or "250ms". It is a string and not a metav1.Duration, as in
// Gateway API (GEP-2257), so that every stored object can be decoded.
//
// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,5}(h|m|s|ms)){1,4}$')",message="a duration must be whole numbers, each with its unit h, m, s or ms, such as 5s, 1m30s or 250ms"
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=24
type Duration string

// AsDuration returns the length of time. The schema sees to it that it can be
// read; what cannot be is 0.
func (d Duration) AsDuration() time.Duration {
	parsed, err := time.ParseDuration(string(d))
	if err != nil {
		return 0
	}
	return parsed
}
