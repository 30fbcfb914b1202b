// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/breakwater-dev/breakwater/internal/traffic"
)

const chatSlice = "chat-breakwater-ipv4"

// meddlings are what others do to a slice.
var meddlings = map[string]func(*discoveryv1.EndpointSlice){
	"another address": func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Addresses = []string{"10.0.0.66"} },
	"one more address": func(s *discoveryv1.EndpointSlice) {
		s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{"10.0.0.66"}})
	},
	"no address":           func(s *discoveryv1.EndpointSlice) { s.Endpoints = nil },
	"not ready":            func(s *discoveryv1.EndpointSlice) { s.Endpoints[0].Conditions.Ready = new(false) },
	"another port":         func(s *discoveryv1.EndpointSlice) { s.Ports[0].Port = new(int32(81)) },
	"no port":              func(s *discoveryv1.EndpointSlice) { s.Ports = nil },
	"another Service":      func(s *discoveryv1.EndpointSlice) { s.Labels[discoveryv1.LabelServiceName] = "web" },
	"another manager":      func(s *discoveryv1.EndpointSlice) { s.Labels[discoveryv1.LabelManagedBy] = "me" },
	"no owner":             func(s *discoveryv1.EndpointSlice) { s.OwnerReferences = nil },
	"no number":            func(s *discoveryv1.EndpointSlice) { delete(s.Annotations, traffic.TransitionSeqAnnotation) },
	"an unreadable number": func(s *discoveryv1.EndpointSlice) { s.Annotations[traffic.TransitionSeqAnnotation] = "newest" },
}

// content is what the operator answers for in a slice, and what others may add to it.
func content(s *discoveryv1.EndpointSlice) *discoveryv1.EndpointSlice {
	c := s.DeepCopy()
	c.UID, c.ResourceVersion, c.Generation, c.ManagedFields = "", "", 0, nil
	c.CreationTimestamp.Reset()
	return c
}

// awaitSlice waits until the slice of Service chat is as wanted.
func (w *world) awaitSlice(what string, wanted func(*discoveryv1.EndpointSlice) bool) *discoveryv1.EndpointSlice {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	watch, err := w.client.Watch(ctx, &discoveryv1.EndpointSliceList{},
		client.InNamespace(w.ns), client.MatchingFields{"metadata.name": chatSlice})
	if err != nil {
		w.t.Fatal(err)
	}
	defer watch.Stop()
	for event := range watch.ResultChan() {
		if s, ok := event.Object.(*discoveryv1.EndpointSlice); ok && wanted(s) {
			return s
		}
	}
	w.t.Fatalf("slice %s: not %s within %s; slices: %v", chatSlice, what, patience, w.slices())
	return nil
}

// awaitRepair waits until the slice is as it was before.
func (w *world) awaitRepair(meddling string, before *discoveryv1.EndpointSlice) {
	w.t.Helper()
	var diff string
	defer func() {
		if w.t.Failed() {
			w.t.Logf("before and after (%s):\n%s", meddling, diff)
		}
	}()
	w.awaitSlice("repaired ("+meddling+")", func(s *discoveryv1.EndpointSlice) bool {
		diff = cmp.Diff(content(before), content(s))
		return diff == ""
	})
}

// operatorWrites counts the operator's writes of slices and Services since that time. People update and delete,
// the operator patches and creates.
func (w *world) operatorWrites(start time.Time) int {
	w.t.Helper()
	return len(slices.DeleteFunc(trafficWrites(w.writesSince(start)), func(write string) bool {
		return strings.HasPrefix(write, "update ") || strings.HasPrefix(write, "delete ")
	}))
}

// Whatever is changed in a slice is put right with one write. What others add to it stays.
func TestEditedSliceIsRepaired(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve()
	labelled := w.slice(chatSlice)
	labelled.Labels["team"] = "ml"
	labelled.Annotations["example.com/note"] = "ours"
	w.update(labelled)
	start := time.Now()
	for what, meddle := range meddlings {
		s := w.slice(chatSlice)
		meddle(s)
		w.update(s)
		w.awaitRepair(what, labelled)
	}
	w.awaitProbes(3, east)
	if n := w.operatorWrites(start); n != len(meddlings) {
		t.Errorf("%d writes for %d repairs", n, len(meddlings))
	}
	w.wantHistory(w.get("chat"))
}

func TestSliceEditedTwiceInARow(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve()
	before := w.slice(chatSlice)
	start := time.Now()
	s := w.slice(chatSlice)
	for _, address := range []string{"10.0.0.66", "10.0.0.67"} {
		s.Endpoints[0].Addresses = []string{address}
		if err := w.client.Patch(w.ctx, s, client.RawPatch(types.JSONPatchType,
			[]byte(`[{"op": "replace", "path": "/endpoints/0/addresses/0", "value": "`+address+`"}]`))); err != nil {
			t.Fatal(err)
		}
	}
	w.awaitRepair("edited twice", before)
	w.awaitProbes(3, east)
	// Each edit may be seen on its own, and the first repair may find the second edit in its way.
	if n := w.operatorWrites(start) - 2; n < 1 || n > 3 {
		t.Errorf("%d writes for two edits, want 1 to 3", n)
	}
}

func TestDeletedSliceIsMadeAgain(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve()
	before := w.slice(chatSlice)
	start := time.Now()
	for range 2 {
		gone := w.slice(chatSlice)
		w.remove(gone)
		again := w.awaitSlice("made again", func(s *discoveryv1.EndpointSlice) bool { return s.UID != gone.UID })
		if diff := cmp.Diff(content(before), content(again)); diff != "" {
			t.Errorf("slice before and after (-want +got):\n%s", diff)
		}
	}
	w.awaitProbes(3, east)
	if n := w.operatorWrites(start); n != 2 {
		t.Errorf("%d writes after two deletions, want 2", n)
	}
}

// The Service that the operator made is made again, and its port put right. What others add to it stays.
func TestServiceIsRepaired(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve()
	before := w.service("chat")
	start := time.Now()
	w.remove(before)
	again := w.awaitService("made again", func(s *corev1.Service) bool { return s.UID != before.UID })
	if diff := cmp.Diff(before.OwnerReferences, again.OwnerReferences); diff != "" {
		t.Errorf("owner references (-want +got):\n%s", diff)
	}

	again.Labels["team"] = "ml"
	again.Spec.Ports[0].Port = 8080
	w.update(again)
	again = w.awaitService("its port put right", func(s *corev1.Service) bool { return s.Spec.Ports[0].Port == 80 })
	if again.Labels["team"] != "ml" {
		t.Errorf("labels %v, want the one of team too", again.Labels)
	}
	w.awaitProbes(3, east)
	if n := w.operatorWrites(start); n < 2 || n > 4 {
		t.Errorf("%d writes for two repairs, want 2 to 4", n)
	}
	w.wantSlices(chatSlice + " seq=0 " + east.Addr())
}

// awaitService waits until Service chat is as wanted.
func (w *world) awaitService(what string, wanted func(*corev1.Service) bool) *corev1.Service {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	watch, err := w.client.Watch(ctx, &corev1.ServiceList{}, client.InNamespace(w.ns))
	if err != nil {
		w.t.Fatal(err)
	}
	defer watch.Stop()
	for event := range watch.ResultChan() {
		if s, ok := event.Object.(*corev1.Service); ok && s.Name == "chat" && wanted(s) {
			return s
		}
	}
	w.t.Fatalf("Service chat: not %s within %s", what, patience)
	return nil
}
