// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package schedules

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/schedules/apiserver"
)

// TestFound plays what random schedules have found, in as few steps as it takes.
func TestFound(t *testing.T) {
	k := newKinds(t)
	for name, script := range map[string]func(*world){
		"a name without an address, of a region that is probed on demand, gets one":    nameThatComesLater,
		"another endpoint of a region that is probed on demand is published":           anotherEndpoint,
		"an address that somebody wrote while no operator was there goes":              foreignWhileDown,
		"a restored backup is heard of by the slices first":                            restoredSlicesFirst,
		"a restored backup brings back the version that the newest write has replaced": restoredReplaced,
		"a restored backup has published nothing":                                      restoredUnpublished,
		"a restored backup is heard of by the Service first":                           restoredServiceFirst,
		"a restored backup lets a number be given again":                               restoredNumberAgain,
		"a repair that is refused at first is made all the same":                       repairRefused,
		"an LLMBackend is created again before its deletion is heard of":               createdAgainUnheard,
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

// oneOf returns an LLMBackend with one region, probed in a mode.
func oneOf(mode llmv1alpha1.ProbeMode) *llmv1alpha1.LLMBackend {
	b := randomBackend(rand.New(rand.NewPCG(1, 1)), 1)
	b.Spec.Primary = llmv1alpha1.Region{Name: "a", Endpoint: llmv1alpha1.Endpoint{URL: "http://10.1.0.10:8000"}}
	b.Spec.Probe.Mode = mode
	return b
}

// begins creates an LLMBackend and starts the operator.
func (w *world) begins(b *llmv1alpha1.LLMBackend) {
	w.newest = b
	w.at(0, "created", func() { w.must(w.user.Create(w.ctx, b.DeepCopy())) })
	w.at(second, "", w.startOperator)
}

func nameThatComesLater(w *world) {
	b := oneOf(llmv1alpha1.ProbeOnDemand)
	b.Spec.Primary.Endpoint.URL = "http://" + host("a") + ":8000"
	w.regions.names[host("a")] = dnsRecord{}
	w.begins(b)
}

func anotherEndpoint(w *world) {
	w.begins(oneOf(llmv1alpha1.ProbeOnDemand))
	w.at(10*second, "edited", func() {
		w.edit(func(b *llmv1alpha1.LLMBackend) { b.Spec.Primary.Endpoint.URL = "http://10.1.0.11:8000" })
	})
}

func foreignWhileDown(w *world) {
	w.begins(oneOf(llmv1alpha1.ProbeOnDemand))
	w.at(10*second, "", func() { w.stopOperator(true) })
	w.at(11*second, "somebody edits the slice's endpoints", func() {
		changeIfThere(w, &discoveryv1.EndpointSlice{}, sliceName, func(s *discoveryv1.EndpointSlice) {
			s.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{foreignAddress}}}
		})
	})
	w.at(12*second, "", w.startOperator)
}

// restores lets a backup that was taken at one time be put back at another.
func (w *world) restores(taken, restored time.Duration) {
	w.at(taken, "a backup is taken", func() { w.backup = new(w.server.Snapshot()) })
	w.at(restored, "the backup is restored", func() {
		w.restored = append(w.restored, time.Now())
		w.server.Restore(*w.backup, true)
	})
}

func restoredSlicesFirst(w *world) {
	w.begins(oneOf(llmv1alpha1.ProbeActive))
	w.restores(20*second, 40*second)
	w.at(30*second, "ordered a reset", func() { w.annotate(map[string]string{llmv1alpha1.ResetAnnotation: "1"}) })
	w.at(40*second-1, "events of LLMBackends are held back", func() {
		w.weather.holdBack(apiserver.LLMBackends, w.began.Add(60*second))
	})
}

func restoredReplaced(w *world) {
	w.begins(oneOf(llmv1alpha1.ProbeActive))
	foreign := &discoveryv1.EndpointSlice{ObjectMeta: inNamespace("foreign"), AddressType: discoveryv1.AddressTypeIPv4}
	foreign.Labels = map[string]string{discoveryv1.LabelServiceName: backendName}
	w.at(10*second, "somebody publishes beside it", func() { w.createIfAbsent(foreign) })
	w.restores(20*second, 40*second)
	w.at(30*second, "the foreign slice goes", func() { w.delete(foreign.DeepCopy()) })
	w.at(40*second+1, "the foreign slice goes", func() { w.delete(foreign.DeepCopy()) })
}

func restoredUnpublished(w *world) {
	w.begins(oneOf(llmv1alpha1.ProbeOnDemand))
	w.restores(second/2, 40*second)
	w.at(40*second-1, "events of slices are held back", func() {
		w.weather.holdBack(apiserver.EndpointSlices, w.began.Add(60*second))
	})
}

// A decision that was stored and could not be published can be, as far as the operator has heard.
func restoredServiceFirst(w *world) {
	w.begins(oneOf(llmv1alpha1.ProbeActive))
	w.restores(20*second, 40*second)
	w.at(25*second, "somebody gives the Service a selector", func() {
		changeIfThere(w, &corev1.Service{}, backendName, func(s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "x"} })
	})
	w.at(30*second, "ordered a reset", func() { w.annotate(map[string]string{llmv1alpha1.ResetAnnotation: "1"}) })
	w.at(40*second-1, "events of LLMBackends are held back", func() {
		w.weather.holdBack(apiserver.LLMBackends, w.began.Add(60*second))
	})
}

// An operator that has written nothing since its start publishes under a number that was undone and is given again.
func restoredNumberAgain(w *world) {
	w.begins(oneOf(llmv1alpha1.ProbeActive))
	w.restores(20*second, 40*second)
	w.at(25*second, "ordered a reset", func() { w.annotate(map[string]string{llmv1alpha1.ResetAnnotation: "1"}) })
	w.at(30*second, "", func() { w.stopOperator(true) })
	w.at(31*second, "", w.startOperator)
	w.at(40*second-1, "events of slices are held back", func() {
		w.weather.holdBack(apiserver.EndpointSlices, w.began.Add(60*second))
	})
	w.at(41*second, "ordered a reset", func() { w.annotate(map[string]string{llmv1alpha1.ResetAnnotation: "2"}) })
}

func repairRefused(w *world) {
	w.begins(oneOf(llmv1alpha1.ProbeActive))
	w.weather.add(fault{
		from: w.began.Add(10 * second), until: w.began.Add(11 * second), writes: true, resource: apiserver.EndpointSlices,
		chance: 1, fate: apiserver.Fate{Code: http.StatusInternalServerError},
	})
	w.at(10*second, "somebody edits the slice's endpoints", func() {
		changeIfThere(w, &discoveryv1.EndpointSlice{}, sliceName, func(s *discoveryv1.EndpointSlice) {
			s.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{foreignAddress}}}
		})
	})
}

func createdAgainUnheard(w *world) {
	b := oneOf(llmv1alpha1.ProbeActive)
	w.begins(b)
	w.at(10*second, "events of LLMBackends are held back", func() {
		w.weather.holdBack(apiserver.LLMBackends, w.began.Add(60*second))
	})
	w.at(11*second, "deleted", func() {
		w.must(w.user.Delete(w.ctx, b.DeepCopy(), client.PropagationPolicy(metav1.DeletePropagationBackground)))
	})
	w.at(15*second, "created again", func() { w.ensureBackend(b) })
	w.at(20*second, "region a answers 503", func() { w.regions.set("a", behaviour{name: "503", status: 503}) })
}
