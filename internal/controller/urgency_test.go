// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// What is wished is looked at before what was only stored, and the operator's own writes never.
func TestUrgency(t *testing.T) {
	version := func(resourceVersion string, generation int64, annotations map[string]string) *llmv1alpha1.LLMBackend {
		return &llmv1alpha1.LLMBackend{ObjectMeta: metav1.ObjectMeta{
			Namespace: "llm", Name: "chat", ResourceVersion: resourceVersion, Generation: generation, Annotations: annotations,
		}}
	}
	before := version("7", 1, nil)
	tests := []struct {
		name    string
		unknown bool // no reconcile has seen it yet
		written string
		now     *llmv1alpha1.LLMBackend
		want    urgency
	}{
		{name: "its own write, whose answer has come", written: "8", now: version("8", 1, nil), want: never},
		{name: "its own write, before the answer, or somebody else's", written: "6", now: version("8", 1, nil), want: behindMoves},
		{name: "told again", written: "6", now: before, want: never},
		{name: "another spec", written: "6", now: version("8", 2, nil), want: atOnce},
		{name: "an order", written: "6", now: version("8", 1, map[string]string{llmv1alpha1.ResetAnnotation: "1"}), want: atOnce},
		{name: "a version of before: a backup was restored", written: "6", now: version("5", 1, nil), want: atOnce},
		{name: "not known yet", unknown: true, now: version("8", 1, nil), want: atOnce},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &Reconciler{backends: newRegistry()}
			if !tt.unknown {
				e := &entry{}
				e.own.Store(&ownWrite{version: tt.written, replaced: "1"})
				r.backends.entries[types.NamespacedName{Namespace: "llm", Name: "chat"}] = e
			}
			if got := r.urgencyOf(event.UpdateEvent{ObjectOld: before, ObjectNew: tt.now}); got != tt.want {
				t.Errorf("urgency %d, want %d", got, tt.want)
			}
		})
	}
}
