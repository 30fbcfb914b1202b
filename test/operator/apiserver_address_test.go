// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// The API server's own addresses are neither connected to nor published, and become so while the operator runs.
func TestAPIServerAddress(t *testing.T) {
	w := newWorld(t)
	w.others = []string{corev1.NamespaceDefault}
	east, later := w.region(0), w.region(1)
	w.names().set(eastHost, w.address(0), w.address(1))
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", eastURL).obj())
	w.apply(makeLLMBackend("direct").primary("us-east", "https://10.0.0.1:6443").obj())
	w.awaitCondition("direct", "Stalled=True AddressRefused")
	w.awaitActive("chat", "us-east")
	w.awaitProbes(2, east, later)
	w.awaitSlices(chatSlice + " seq=0 " + w.address(0) + "," + later.Addr())

	grown := &discoveryv1.EndpointSlice{
		AddressType: discoveryv1.AddressTypeIPv4, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{w.address(1)}}},
	}
	grown.Labels = map[string]string{discoveryv1.LabelServiceName: "kubernetes"}
	w.create(grown, "kubernetes-"+w.ns, corev1.NamespaceDefault)
	t.Cleanup(func() {
		if err := w.client.Delete(context.WithoutCancel(t.Context()), grown); err != nil {
			t.Error(err)
		}
	})
	w.awaitSlices(chatSlice + " seq=0 " + east.Addr())
	before := later.Connections()
	w.awaitProbes(3, east)
	if n := later.Connections() - before; n > 0 {
		t.Errorf("%d connections to an address of the API server", n)
	}
}
