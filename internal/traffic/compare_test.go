// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"errors"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func asStored(t *testing.T, slice Slice) *discoveryv1.EndpointSlice {
	t.Helper()
	stored := &discoveryv1.EndpointSlice{}
	if err := convert(slice.applyConfiguration(), stored); err != nil {
		t.Fatal(err)
	}
	return stored
}

func TestCompare(t *testing.T) {
	setSeq := func(value string) func(*discoveryv1.EndpointSlice) {
		return func(s *discoveryv1.EndpointSlice) { s.Annotations[TransitionSeqAnnotation] = value }
	}
	tests := map[string]struct {
		edit   func(*discoveryv1.EndpointSlice)
		retain bool
		want   Verdict
	}{
		"as written":                    {want: Current},
		"older seq":                     {edit: setSeq("uid-1/6"), want: Outdated},
		"newer seq":                     {edit: setSeq("uid-1/8"), want: Newer},
		"newer seq of another owner":    {edit: setSeq("uid-0/8"), want: TakeOver},
		"older seq of another owner":    {edit: setSeq("uid-0/6"), want: TakeOver},
		"unreadable seq":                {edit: setSeq("uid-1/seven"), want: TakeOver},
		"no annotations":                {edit: func(s *discoveryv1.EndpointSlice) { s.Annotations = nil }, want: TakeOver},
		"newer seq, edited":             {edit: func(s *discoveryv1.EndpointSlice) { setSeq("uid-1/8")(s); s.Endpoints = nil }, want: Newer},
		"endpoint added":                {edit: func(s *discoveryv1.EndpointSlice) { s.Endpoints = append(s.Endpoints, s.Endpoints[0]) }, want: Outdated},
		"endpoint removed":              {edit: func(s *discoveryv1.EndpointSlice) { s.Endpoints = s.Endpoints[:1] }, want: Outdated},
		"endpoints emptied":             {edit: func(s *discoveryv1.EndpointSlice) { s.Endpoints = nil }, want: Outdated},
		"address changed":               {edit: func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Addresses[0] = "10.1.0.99" }, want: Outdated},
		"endpoint not ready":            {edit: func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Conditions.Ready = new(false) }, want: Outdated},
		"endpoint bound to a node":      {edit: func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].NodeName = new("n1") }, want: Outdated},
		"port number":                   {edit: func(s *discoveryv1.EndpointSlice) { s.Ports[0].Port = new(int32(1)) }, want: Outdated},
		"port name":                     {edit: func(s *discoveryv1.EndpointSlice) { s.Ports[0].Name = new("web") }, want: Outdated},
		"port added":                    {edit: func(s *discoveryv1.EndpointSlice) { s.Ports = append(s.Ports, s.Ports[0]) }, want: Outdated},
		"service-name label removed":    {edit: func(s *discoveryv1.EndpointSlice) { delete(s.Labels, discoveryv1.LabelServiceName) }, want: Outdated},
		"managed-by label removed":      {edit: func(s *discoveryv1.EndpointSlice) { delete(s.Labels, discoveryv1.LabelManagedBy) }, want: Outdated},
		"label and annotation by other": {edit: func(s *discoveryv1.EndpointSlice) { s.Labels["a"] = "b"; s.Annotations["c"] = "d" }, want: Current},
		"owner reference removed":       {edit: func(s *discoveryv1.EndpointSlice) { s.OwnerReferences = nil }, want: Outdated},
		"owner reference not blocking":  {edit: func(s *discoveryv1.EndpointSlice) { s.OwnerReferences[0].BlockOwnerDeletion = nil }, want: Outdated},
		"another plain owner reference": {edit: func(s *discoveryv1.EndpointSlice) {
			s.OwnerReferences = append(s.OwnerReferences, metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", UID: "uid-3"})
		}, want: Current},
		"owner reference of the former backend": {edit: func(s *discoveryv1.EndpointSlice) {
			s.OwnerReferences = append(s.OwnerReferences, metav1.OwnerReference{APIVersion: "llm.breakwater.dev/v1alpha1", Kind: "LLMBackend", UID: "uid-0"})
		}, want: Outdated},
		"retained, still owned": {retain: true, want: Outdated},
		"retained":              {retain: true, edit: func(s *discoveryv1.EndpointSlice) { s.OwnerReferences = nil }, want: Current},
		"somebody else's of that name": {edit: func(s *discoveryv1.EndpointSlice) {
			s.Labels, s.Annotations = nil, nil
		}, want: NotOurs},
		"somebody else's of that name and label value": {edit: func(s *discoveryv1.EndpointSlice) {
			s.Labels[discoveryv1.LabelManagedBy] = "endpointslice-controller.k8s.io"
			s.Annotations = nil
		}, want: NotOurs},
		"wrong address type": {edit: func(s *discoveryv1.EndpointSlice) { s.AddressType = discoveryv1.AddressTypeIPv6 }, want: NotOurs},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			slice := DesiredSlices(testDecision()).Slices[0]
			existing := asStored(t, slice)
			if test.edit != nil {
				test.edit(existing)
			}
			slice.Retain = test.retain
			if got := Compare(existing, slice); got != test.want {
				t.Errorf("Compare = %s, want %s", got, test.want)
			}
		})
	}
}

func TestDecide(t *testing.T) {
	foreign := func(s *discoveryv1.EndpointSlice) { s.Labels, s.Annotations = nil, nil }
	other := func(s *discoveryv1.EndpointSlice) { s.Annotations[TransitionSeqAnnotation] = "uid-0/3" }
	newer := func(s *discoveryv1.EndpointSlice) { s.Annotations[TransitionSeqAnnotation] = "uid-1/8" }
	older := func(s *discoveryv1.EndpointSlice) { s.Annotations[TransitionSeqAnnotation] = "uid-1/6" }
	same := func(*discoveryv1.EndpointSlice) {}
	tests := map[string]struct {
		existing func(*discoveryv1.EndpointSlice) // nil: absent
		obsolete bool
		takeOver bool
		want     Action
		wantErr  error
	}{
		"absent":                           {want: Created},
		"current":                          {existing: same},
		"older":                            {existing: older, want: Applied},
		"newer":                            {existing: newer, wantErr: ErrNewer},
		"newer, take-over allowed":         {existing: newer, takeOver: true, wantErr: ErrNewer},
		"another owner's":                  {existing: other, wantErr: ErrOwned},
		"another owner's, allowed":         {existing: other, takeOver: true, want: Applied},
		"foreign, even if allowed":         {existing: foreign, takeOver: true, wantErr: ErrForeign},
		"obsolete, absent":                 {obsolete: true},
		"obsolete":                         {obsolete: true, existing: same, want: Deleted},
		"obsolete, older":                  {obsolete: true, existing: older, want: Deleted},
		"obsolete, newer":                  {obsolete: true, existing: newer, wantErr: ErrNewer},
		"obsolete, another owner's":        {obsolete: true, existing: other, wantErr: ErrOwned},
		"obsolete, another owner's, allow": {obsolete: true, takeOver: true, existing: other, want: Deleted},
		"obsolete, foreign":                {obsolete: true, takeOver: true, existing: foreign},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := change{slice: DesiredSlices(testDecision()).Slices[0], obsolete: test.obsolete, takeOver: test.takeOver}
			if test.existing != nil {
				c.existing = asStored(t, c.slice)
				test.existing(c.existing)
			}
			got, err := c.decide()
			if got != test.want || !errors.Is(err, test.wantErr) {
				t.Errorf("decide = %q, %v, want %q, %v", got, err, test.want, test.wantErr)
			}
		})
	}
}
