// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package schedules

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// TestFound plays what random schedules have found, in as few steps as it takes.
func TestFound(t *testing.T) {
	k := newKinds(t)
	for name, script := range map[string]func(*world){
		"a name without an address, of a region that is probed on demand, gets one": nameThatComesLater,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, k, 1)
				script(w)
				if faults := w.run(); len(faults) > 0 {
					t.Errorf("%s\n%s", strings.Join(faults, "\n"), strings.Join(w.transcript(true), "\n"))
				}
			})
		})
	}
}

func nameThatComesLater(w *world) {
	b := randomBackend(rand.New(rand.NewPCG(1, 1)), 1)
	b.Spec.Primary = llmv1alpha1.Region{Name: "a", Endpoint: llmv1alpha1.Endpoint{URL: "http://" + host("a") + ":8000"}}
	b.Spec.Probe.Mode = llmv1alpha1.ProbeOnDemand
	w.newest = b
	w.regions.names[host("a")] = dnsRecord{}
	w.at(0, "created", func() { w.must(w.user.Create(w.ctx, b.DeepCopy())) })
	w.at(second, "", w.startOperator)
}
