// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/breakwater-dev/breakwater/internal/traffic"
)

func (w *world) dualStack(seq int64, addresses ...string) traffic.Decision {
	d := w.decision(seq, addresses...)
	d.Families = []corev1.IPFamily{v4, v6}
	return d
}

func TestDualStack(t *testing.T) {
	w := newWorld(t)
	op := w.newOperator()
	svc := op.ensure(w, "uid-1", spec(80, v4, v6), false)
	op.client.takeWrites()

	d := w.dualStack(3, "fd00:1::10", "10.1.0.10")
	d.Families = svc.Spec.IPFamilies
	result, err := op.publish(t.Context(), d)
	w.must(err)
	wantResult(t, result,
		traffic.Write{Slice: slice4, Action: traffic.Created, After: []string{"10.1.0.10"}},
		traffic.Write{Slice: slice6, Action: traffic.Created, After: []string{"fd00:1::10"}})
	op.wantWrites(t, 2)
	if got := w.slice(slice6).AddressType; got != discoveryv1.AddressTypeIPv6 {
		t.Errorf("address type %s, want IPv6", got)
	}
}

func TestFamilyWithoutAddressIsNotEmptied(t *testing.T) {
	w := newWorld(t)
	w.mustPublish(w.dualStack(3, "10.1.0.10", "fd00:1::10"))
	before := w.slice(slice6)

	wantResult(t, w.mustPublish(w.dualStack(4, "10.2.0.10")), traffic.Write{
		Slice: slice4, Action: traffic.Applied, Before: []string{"10.1.0.10"}, After: []string{"10.2.0.10"},
	})
	w.wantUnchanged(before)
}

func TestRemovedFamily(t *testing.T) {
	single := func(w *world, seq int64) traffic.Decision { return w.decision(seq, "10.1.0.10") }
	deleted := traffic.Write{Slice: slice6, Action: traffic.Deleted, Before: []string{"fd00:1::10"}}

	t.Run("its slice is deleted", func(t *testing.T) {
		w := newWorld(t)
		w.mustPublish(w.dualStack(3, "10.1.0.10", "fd00:1::10"))
		wantResult(t, w.mustPublish(single(w, 3)), deleted)
		if w.slice(slice6) != nil || w.slice(slice4) == nil {
			t.Errorf("left: IPv4 %v, IPv6 %v", w.slice(slice4) != nil, w.slice(slice6) != nil)
		}
		op := w.newOperator()
		_, err := op.publish(t.Context(), single(w, 3))
		w.must(err)
		op.wantWrites(t, 0)
	})
	t.Run("an edit not seen yet: read again, then deleted", func(t *testing.T) {
		w := newWorld(t)
		w.mustPublish(w.dualStack(3, "10.1.0.10", "fd00:1::10"))
		op := w.newOperator()
		op.client.freeze(slice6, w.slice(slice6))
		edited := w.slice(slice6)
		edited.Labels["team"] = "ml"
		w.asSomebody(edited)
		result, err := op.publish(t.Context(), single(w, 3))
		w.must(err)
		wantResult(t, result, deleted)
		if writes := op.client.takeWrites(); len(writes) != 2 || !apierrors.IsConflict(writes[0]) || writes[1] != nil {
			t.Errorf("writes %v, want one Conflict and one that went through", writes)
		}
	})
	t.Run("already gone, not seen yet", func(t *testing.T) {
		w := newWorld(t)
		w.mustPublish(w.dualStack(3, "10.1.0.10", "fd00:1::10"))
		op := w.newOperator()
		op.client.freeze(slice6, w.slice(slice6))
		w.must(w.client.Delete(t.Context(), w.slice(slice6)))
		result, err := op.publish(t.Context(), single(w, 3))
		w.must(err)
		wantResult(t, result)
	})
	t.Run("a foreign slice of that name stays", func(t *testing.T) {
		w := newWorld(t)
		w.mustPublish(w.dualStack(3, "10.1.0.10", "fd00:1::10"))
		edited := w.slice(slice6)
		edited.Labels, edited.Annotations = map[string]string{discoveryv1.LabelServiceName: "llm"}, nil
		w.asSomebody(edited)
		wantResult(t, w.mustPublish(single(w, 3)))
		if w.slice(slice6) == nil {
			t.Error("the foreign slice was deleted")
		}
	})
}

func TestForeignEndpoints(t *testing.T) {
	w := newWorld(t)
	op := w.newOperator()
	wantForeign := func(want ...string) {
		t.Helper()
		var existing discoveryv1.EndpointSliceList
		w.must(w.client.List(t.Context(), &existing, client.InNamespace(w.namespace)))
		got, err := op.ForeignEndpoints(t.Context(), w.namespace, "llm", existing.Items)
		w.must(err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("foreign (-want +got):\n%s", diff)
		}
	}
	w.mustPublish(w.dualStack(3, "10.1.0.10", "fd00:1::10"))
	wantForeign()

	for name, service := range map[string]string{"llm-z": "llm", "llm-a": "llm", "web-a": "web"} {
		slice := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4}
		slice.Namespace, slice.Name = w.namespace, name
		slice.Labels = map[string]string{discoveryv1.LabelServiceName: service}
		w.must(w.client.Create(t.Context(), slice))
	}
	wantForeign("EndpointSlice/llm-a", "EndpointSlice/llm-z")

	w.createEndpoints("llm")
	w.createEndpoints("web")
	wantForeign("EndpointSlice/llm-a", "EndpointSlice/llm-z", "Endpoints/llm")
	op.wantWrites(t, 0)
}
