// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/schedules/apiserver"
)

// side is one of the two servers, and what was seen of it.
type side struct {
	t      *testing.T
	ctx    context.Context
	client client.WithWatch
	seen   []string
	names  map[string]string // of UIDs and cluster IPs, by which they can be compared
	newest map[string]string // resource versions, by object
}

// TestAgreement does the same to the server in memory and to the real one.
func TestAgreement(t *testing.T) {
	server := apiserver.New()
	inMemory := newSide(t, clientOf(t, &apiserver.Connection{Server: server, Name: "test"}))
	actual := newSide(t, clientOf(t, nil))
	newNamespace(t, actual.client, namespace)
	for _, s := range []*side{actual, inMemory} {
		watches := s.watchAll()
		for _, o := range operations() {
			s.do(o)
		}
		s.seeEvents(watches)
	}
	if diff := cmp.Diff(actual.seen, inMemory.seen); diff != "" {
		t.Errorf("what was seen (-real +in memory):\n%s", diff)
	}
	if len(actual.seen) < len(operations()) {
		t.Errorf("%d answers to %d operations", len(actual.seen), len(operations()))
	}
}

func newSide(t *testing.T, c client.WithWatch) *side {
	return &side{t: t, ctx: t.Context(), client: c, names: map[string]string{}, newest: map[string]string{}}
}

// do does one thing and notes the answer and what is stored after it.
func (s *side) do(o operation) {
	s.t.Helper()
	err := o.do(s)
	answer := "done"
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		answer = fmt.Sprintf("%d %s", status.Status().Code, status.Status().Reason)
	} else if err != nil {
		answer = err.Error()
	}
	s.seen = append(s.seen, o.name+": "+answer+s.stored())
}

func lists() []client.ObjectList {
	return []client.ObjectList{&llmv1alpha1.LLMBackendList{}, &corev1.ServiceList{}, &discoveryv1.EndpointSliceList{}}
}

// stored returns all that is stored, in a form that can be compared.
func (s *side) stored() string {
	s.t.Helper()
	var all strings.Builder
	for _, list := range lists() {
		if err := s.client.List(s.ctx, list, client.InNamespace(namespace)); err != nil {
			s.t.Fatal(err)
		}
		var items struct{ Items []map[string]any }
		data, err := json.Marshal(list)
		if err != nil {
			s.t.Fatal(err)
		}
		if err := json.Unmarshal(data, &items); err != nil {
			s.t.Fatal(err)
		}
		for _, item := range items.Items {
			all.WriteString("\n  " + s.comparable(fmt.Sprintf("%T", list), item))
		}
	}
	return all.String()
}

// comparable writes an object without what differs between any two servers: UIDs, times and addresses get names,
// and of the resource version it is told whether it is another one than before.
func (s *side) comparable(kind string, item map[string]any) string {
	metadata := item["metadata"].(map[string]any)
	key := kind + " " + metadata["name"].(string)
	version := metadata["resourceVersion"].(string)
	metadata["resourceVersion"] = "same"
	if s.newest[key] != version {
		metadata["resourceVersion"] = "new"
	}
	s.newest[key] = version
	delete(metadata, "managedFields")
	delete(item, "apiVersion") // in lists only kinds of one's own have them
	delete(item, "kind")
	for _, moment := range []string{"creationTimestamp", "deletionTimestamp"} {
		if metadata[moment] != nil {
			metadata[moment] = "some time"
		}
	}
	data, err := json.Marshal(item)
	if err != nil {
		s.t.Fatal(err)
	}
	text := string(data)
	s.name(metadata["uid"].(string), "uid")
	if spec, ok := item["spec"].(map[string]any); ok {
		if ip, ok := spec["clusterIP"].(string); ok && ip != "" {
			s.name(ip, "ip")
		}
	}
	for _, known := range slices.Sorted(maps.Keys(s.names)) {
		text = strings.ReplaceAll(text, known, s.names[known])
	}
	return text
}

func (s *side) name(value, kind string) {
	if s.names[value] == "" {
		s.names[value] = fmt.Sprintf("%s-%d", kind, len(s.names))
	}
}

// watchAll watches everything from now on.
func (s *side) watchAll() []watch.Interface {
	s.t.Helper()
	var watches []watch.Interface
	for _, list := range lists() {
		w, err := s.client.Watch(s.ctx, list, client.InNamespace(namespace))
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(w.Stop)
		watches = append(watches, w)
	}
	return watches
}

// seeEvents notes the events until that of the last object of each kind, which is named "last".
func (s *side) seeEvents(watches []watch.Interface) {
	s.t.Helper()
	for _, w := range watches {
		for e := range w.ResultChan() {
			o, ok := e.Object.(client.Object)
			if !ok {
				s.t.Fatalf("event %s %+v", e.Type, e.Object)
			}
			s.seen = append(s.seen, fmt.Sprintf("event %s %T %s generation %d", e.Type, o, o.GetName(), o.GetGeneration()))
			if o.GetName() == "last" {
				break
			}
		}
	}
}
