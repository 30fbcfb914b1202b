// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	metav1apply "k8s.io/client-go/applyconfigurations/meta/v1"
)

// Owner identifies the LLMBackend on whose behalf a Service and its slices are written.
type Owner struct {
	APIVersion string
	Kind       string
	Name       string
	Namespace  string
	UID        types.UID
}

func (o Owner) reference() *metav1apply.OwnerReferenceApplyConfiguration {
	return metav1apply.OwnerReference().
		WithAPIVersion(o.APIVersion).
		WithKind(o.Kind).
		WithName(o.Name).
		WithUID(o.UID).
		WithController(true).
		WithBlockOwnerDeletion(true)
}

// referencedBy reports whether refs hold the owner reference exactly as reference() writes it.
func (o Owner) referencedBy(refs []metav1.OwnerReference) bool {
	for _, ref := range refs {
		if ref.UID == o.UID {
			return ref.APIVersion == o.APIVersion && ref.Kind == o.Kind && ref.Name == o.Name &&
				isTrue(ref.Controller) && isTrue(ref.BlockOwnerDeletion)
		}
	}
	return false
}

// ownersCurrent reports whether refs are what the owner wants: its own reference (none with retain),
// and none that staleReference names.
func ownersCurrent(refs []metav1.OwnerReference, owner Owner, retain bool) bool {
	if len(keptReferences(refs, owner, retain)) != len(refs) {
		return false
	}
	return retain || owner.referencedBy(refs)
}

// keptReferences returns refs without the stale ones.
func keptReferences(refs []metav1.OwnerReference, owner Owner, retain bool) []metav1.OwnerReference {
	var kept []metav1.OwnerReference
	for _, ref := range refs {
		if !staleReference(ref, owner, retain) {
			kept = append(kept, ref)
		}
	}
	return kept
}

// staleReference reports whether ref has to go from an object of owner: the owner's own with retain,
// one of an LLMBackend that it takes over from, and any other controller, because an object has only one.
func staleReference(ref metav1.OwnerReference, owner Owner, retain bool) bool {
	if ref.UID == owner.UID {
		return retain
	}
	return isTrue(ref.Controller) || sameKind(ref, owner)
}

func sameKind(ref metav1.OwnerReference, owner Owner) bool {
	refKind := schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)
	return refKind.GroupKind() == schema.FromAPIVersionAndKind(owner.APIVersion, owner.Kind).GroupKind()
}

func isTrue(b *bool) bool { return b != nil && *b }
