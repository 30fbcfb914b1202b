// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/breakwater-dev/breakwater/internal/traffic"
)

// mustPublish publishes with an operator whose cache is up to date.
func (w *world) mustPublish(d traffic.Decision) traffic.Result {
	w.t.Helper()
	result, err := w.newOperator().publish(w.t.Context(), d)
	w.must(err)
	return result
}

func wantResult(t *testing.T, got traffic.Result, want ...traffic.Write) {
	t.Helper()
	if diff := cmp.Diff(want, got.Writes, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

// wantUnchanged checks that a slice is as it was, down to its resourceVersion.
func (w *world) wantUnchanged(before *discoveryv1.EndpointSlice) {
	w.t.Helper()
	if diff := cmp.Diff(before, w.slice(before.Name)); diff != "" {
		w.t.Errorf("slice was changed (-before +after):\n%s", diff)
	}
}

func TestPublishCreatesAsSpecified(t *testing.T) {
	w := newWorld(t)
	op := w.newOperator()
	result, err := op.publish(t.Context(), w.decision(3, "10.1.0.11", "10.1.0.10"))
	w.must(err)
	wantResult(t, result, traffic.Write{Slice: slice4, Action: traffic.Created, After: []string{"10.1.0.10", "10.1.0.11"}})
	op.wantWrites(t, 1)

	endpoint := func(address string) discoveryv1.Endpoint {
		return discoveryv1.Endpoint{
			Addresses:  []string{address},
			Conditions: discoveryv1.EndpointConditions{Ready: new(true)},
		}
	}
	want := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.namespace,
			Name:      slice4,
			Labels: map[string]string{
				"kubernetes.io/service-name":             "llm",
				"endpointslice.kubernetes.io/managed-by": "llmbackend.breakwater.dev",
			},
			Annotations: map[string]string{"llm.breakwater.dev/transition-seq": "uid-1/3"},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "llm.breakwater.dev/v1alpha1", Kind: "LLMBackend", Name: "chat", UID: "uid-1",
				Controller: new(true), BlockOwnerDeletion: new(true),
			}},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{endpoint("10.1.0.10"), endpoint("10.1.0.11")},
		Ports: []discoveryv1.EndpointPort{{
			Name: new("http"), Port: new(int32(8000)), Protocol: new(corev1.ProtocolTCP),
		}},
	}
	stored := w.slice(slice4)
	ignored := cmpopts.IgnoreFields(metav1.ObjectMeta{}, "UID", "ResourceVersion", "Generation", "CreationTimestamp", "ManagedFields")
	if diff := cmp.Diff(want, stored, ignored); diff != "" {
		t.Errorf("created slice (-want +got):\n%s", diff)
	}

	result, err = op.publish(t.Context(), w.decision(3, "10.1.0.10", "10.1.0.11"))
	w.must(err)
	wantResult(t, result)
	op.wantWrites(t, 0)
	w.wantUnchanged(stored)
}

func TestPublishMovesTrafficInOneWrite(t *testing.T) {
	w := newWorld(t)
	w.mustPublish(w.decision(3, "10.1.0.10", "10.1.0.11"))
	op := w.newOperator()
	result, err := op.publish(t.Context(), w.decision(4, "10.2.0.10"))
	w.must(err)
	op.wantWrites(t, 1)
	wantResult(t, result, traffic.Write{
		Slice: slice4, Action: traffic.Applied,
		Before: []string{"10.1.0.10", "10.1.0.11"}, After: []string{"10.2.0.10"},
	})
	stored := w.slice(slice4)
	if len(stored.Endpoints) != 1 || stored.Endpoints[0].Addresses[0] != "10.2.0.10" ||
		stored.Annotations[traffic.TransitionSeqAnnotation] != "uid-1/4" {
		t.Errorf("endpoints %v, annotations %v", stored.Endpoints, stored.Annotations)
	}
}

func TestPublishRepairsEditsInOneWrite(t *testing.T) {
	edits := map[string]func(*discoveryv1.EndpointSlice){
		"endpoints emptied": func(s *discoveryv1.EndpointSlice) { s.Endpoints = []discoveryv1.Endpoint{} },
		"endpoint added": func(s *discoveryv1.EndpointSlice) {
			s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{"10.9.9.9"}})
		},
		"endpoint not ready": func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Conditions.Ready = new(false) },
		"port":               func(s *discoveryv1.EndpointSlice) { s.Ports[0].Port = new(int32(1)) },
		"port added": func(s *discoveryv1.EndpointSlice) {
			s.Ports = append(s.Ports, discoveryv1.EndpointPort{Name: new("x"), Port: new(int32(1))})
		},
		"service-name removed":  func(s *discoveryv1.EndpointSlice) { delete(s.Labels, discoveryv1.LabelServiceName) },
		"managed-by removed":    func(s *discoveryv1.EndpointSlice) { delete(s.Labels, discoveryv1.LabelManagedBy) },
		"an older seq":          func(s *discoveryv1.EndpointSlice) { s.Annotations[traffic.TransitionSeqAnnotation] = "uid-1/2" },
		"owner removed":         func(s *discoveryv1.EndpointSlice) { s.OwnerReferences = nil },
		"owner not blocking":    func(s *discoveryv1.EndpointSlice) { s.OwnerReferences[0].BlockOwnerDeletion = new(false) },
		"owner of another name": func(s *discoveryv1.EndpointSlice) { s.OwnerReferences[0].Name = "other" },
	}
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mustPublish(w.decision(3, "10.1.0.10"))
			edited := w.slice(slice4)
			edited.Labels["team"], edited.Annotations["note"] = "ml", "kept"
			edit(edited)
			w.asSomebody(edited)

			op := w.newOperator()
			result, err := op.publish(t.Context(), w.decision(3, "10.1.0.10"))
			w.must(err)
			op.wantWrites(t, 1)
			if len(result.Writes) != 1 || result.Writes[0].Action != traffic.Applied {
				t.Errorf("result %+v", result)
			}
			stored := w.slice(slice4)
			if verdict := traffic.Compare(stored, traffic.DesiredSlices(w.decision(3, "10.1.0.10")).Slices[0]); verdict != traffic.Current {
				t.Errorf("after the repair the slice is %s: %s", verdict, asJSON(t, stored))
			}
			if stored.Labels["team"] != "ml" || stored.Annotations["note"] != "kept" {
				t.Errorf("labels %v, annotations %v: those of others did not survive", stored.Labels, stored.Annotations)
			}
		})
	}
}

func TestPublishRepairsADeletedSlice(t *testing.T) {
	w := newWorld(t)
	w.mustPublish(w.decision(3, "10.1.0.10"))
	w.must(w.client.Delete(t.Context(), w.slice(slice4)))
	wantResult(t, w.mustPublish(w.decision(3, "10.1.0.10")),
		traffic.Write{Slice: slice4, Action: traffic.Created, After: []string{"10.1.0.10"}})
}

func TestPublishRetainAndBack(t *testing.T) {
	w := newWorld(t)
	op := w.newOperator()
	steps := []struct {
		name       string
		retain     bool
		seq        int64
		somebody   func(*discoveryv1.EndpointSlice)
		wantOwners []types.UID
	}{
		{name: "created", seq: 3, wantOwners: []types.UID{"uid-1"}},
		{name: "retain what Create made", retain: true, seq: 3},
		{name: "back", seq: 3, wantOwners: []types.UID{"uid-1"}},
		{name: "retain what Apply made, with a new decision", retain: true, seq: 4},
		{name: "somebody puts the owner back", retain: true, seq: 4, somebody: func(s *discoveryv1.EndpointSlice) {
			s.OwnerReferences = []metav1.OwnerReference{{APIVersion: "llm.breakwater.dev/v1alpha1", Kind: "LLMBackend", Name: "chat", UID: "uid-1"}}
		}},
		{name: "an owner that is none of ours stays", retain: true, seq: 4, wantOwners: []types.UID{"uid-7"}, somebody: func(s *discoveryv1.EndpointSlice) {
			s.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "c", UID: "uid-7"}}
		}},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			w := &world{t: t, client: w.client, namespace: w.namespace}
			if step.somebody != nil {
				edited := w.slice(slice4)
				step.somebody(edited)
				w.asSomebody(edited)
			}
			d := w.decision(step.seq, "10.1.0.10")
			d.Retain = step.retain
			_, err := op.publish(t.Context(), d)
			w.must(err)
			if diff := cmp.Diff(step.wantOwners, ownerUIDs(w.slice(slice4).OwnerReferences)); diff != "" {
				t.Errorf("owners (-want +got):\n%s", diff)
			}
			if seq := w.slice(slice4).Annotations[traffic.TransitionSeqAnnotation]; seq != traffic.FormatTransitionSeq("uid-1", step.seq) {
				t.Errorf("seq annotation %q", seq)
			}
			op.client.takeWrites()
			_, err = op.publish(t.Context(), d)
			w.must(err)
			op.wantWrites(t, 0)
		})
	}
}

func TestPublishTakesOverOnlyIfAllowed(t *testing.T) {
	prepare := map[string]func(*world){
		"made by Create": func(w *world) { w.mustPublish(w.decision(9, "10.1.0.10")) },
		"made by Apply": func(w *world) {
			w.mustPublish(w.decision(8, "10.1.0.9"))
			w.mustPublish(w.decision(9, "10.1.0.10"))
		},
		"seq made unreadable": func(w *world) {
			w.mustPublish(w.decision(9, "10.1.0.10"))
			edited := w.slice(slice4)
			edited.Annotations[traffic.TransitionSeqAnnotation] = "nine"
			w.asSomebody(edited)
		},
		"controlled by somebody": func(w *world) {
			w.mustPublish(w.decision(9, "10.1.0.10"))
			edited := w.slice(slice4)
			edited.OwnerReferences = []metav1.OwnerReference{{
				APIVersion: "apps/v1", Kind: "Deployment", Name: "d", UID: "uid-7", Controller: new(true),
			}}
			w.asSomebody(edited)
		},
	}
	for name, prepare := range prepare {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			prepare(w)
			before := w.slice(slice4)
			op := w.newOperator()
			d := w.decision(1, "10.2.0.10")
			d.Owner = w.owner("uid-2") // re-created: its seq starts again

			result, err := op.publish(t.Context(), d)
			if !errors.Is(err, traffic.ErrOwned) {
				t.Errorf("error %v, want %v", err, traffic.ErrOwned)
			}
			wantResult(t, result)
			op.wantWrites(t, 0)
			w.wantUnchanged(before)

			d.TakeOver = true
			result, err = op.publish(t.Context(), d)
			w.must(err)
			wantResult(t, result, traffic.Write{
				Slice: slice4, Action: traffic.Applied, Before: []string{"10.1.0.10"}, After: []string{"10.2.0.10"},
			})
			stored := w.slice(slice4)
			if diff := cmp.Diff([]types.UID{"uid-2"}, ownerUIDs(stored.OwnerReferences)); diff != "" {
				t.Errorf("owners (-want +got):\n%s", diff)
			}
			if got := traffic.Incumbent([]discoveryv1.EndpointSlice{*stored}); got != "uid-2" {
				t.Errorf("incumbent %q, want uid-2", got)
			}
		})
	}
}

func TestPublishLeavesAForeignSliceOfThatName(t *testing.T) {
	w := newWorld(t)
	w.must(w.client.Create(t.Context(), &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Namespace: w.namespace, Name: slice4, Labels: map[string]string{discoveryv1.LabelServiceName: "llm"}},
		AddressType: discoveryv1.AddressTypeIPv4,
	}))
	before := w.slice(slice4)
	op := w.newOperator()
	d := w.decision(3, "10.1.0.10", "fd00:1::10")
	d.Families, d.TakeOver = []corev1.IPFamily{v4, v6}, true

	result, err := op.publish(t.Context(), d)
	if !errors.Is(err, traffic.ErrForeign) {
		t.Errorf("error %v, want %v", err, traffic.ErrForeign)
	}
	wantResult(t, result, traffic.Write{Slice: slice6, Action: traffic.Created, After: []string{"fd00:1::10"}})
	w.wantUnchanged(before)
}

func TestPublishPassesOnARefusal(t *testing.T) {
	w := newWorld(t)
	w.mustPublish(w.decision(3, "10.1.0.10"))
	before := w.slice(slice4)
	result, err := w.newOperator().publish(t.Context(), w.decision(4, "127.0.0.1"))
	if !apierrors.IsInvalid(err) {
		t.Errorf("error %v, want Invalid", err)
	}
	wantResult(t, result)
	w.wantUnchanged(before)
}
