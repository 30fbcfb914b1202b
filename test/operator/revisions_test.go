// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/breakwater-dev/breakwater/internal/traffic"
)

// recordRevisions begins to record the slices that the operator writes. The result returns every revision since,
// up to now, in order and in the form of w.slices.
func (w *world) recordRevisions() (revisions func() []string) {
	w.t.Helper()
	ours := client.MatchingLabels{discoveryv1.LabelManagedBy: traffic.SliceManagedBy}
	versions := func(list *discoveryv1.EndpointSliceList) (of []string) {
		if err := w.client.List(w.ctx, list, client.InNamespace(w.ns), ours); err != nil {
			w.t.Fatal(err)
		}
		for _, s := range list.Items {
			of = append(of, s.Name+" "+s.ResourceVersion)
		}
		return of
	}
	list := &discoveryv1.EndpointSliceList{}
	before := versions(list)
	watch, err := w.client.Watch(w.ctx, &discoveryv1.EndpointSliceList{}, client.InNamespace(w.ns), ours,
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(watch.Stop)
	return func() []string {
		w.t.Helper()
		missing := slices.DeleteFunc(versions(&discoveryv1.EndpointSliceList{}), func(v string) bool { return slices.Contains(before, v) })
		var seen []string
		for len(missing) > 0 {
			event := <-watch.ResultChan()
			s, ok := event.Object.(*discoveryv1.EndpointSlice)
			if !ok {
				w.t.Fatalf("the watch of the slices ended: %v", event)
			}
			seen = append(seen, shownBy(s))
			missing = slices.DeleteFunc(missing, func(v string) bool { return v == s.Name+" "+s.ResourceVersion })
		}
		return seen
	}
}
