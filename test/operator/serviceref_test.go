// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// The ready endpoints of a Service are published as they come and go, without a change of the region.
func TestServiceRefFollowsReadyEndpoints(t *testing.T) {
	w := newWorld(t)
	for i := range 4 {
		w.region(i)
	}
	vllm := w.pods("vllm")
	vllm.show("a", 8000, ready(w.address(0)))
	w.start()
	w.apply(makeLLMBackend("chat").primaryRef("local", vllm.ref()).secondary("eu-west", w.region(9).URL()).obj())
	b := w.awaitActive("chat", "local")
	if want := "Service " + w.ns + "/vllm:80"; b.Status.ActiveEndpoint != want {
		t.Errorf("active endpoint %q, want %q", b.Status.ActiveEndpoint, want)
	}
	shown := func(numbers ...int) string {
		var addresses []string
		for _, n := range numbers {
			addresses = append(addresses, w.address(n))
		}
		return fmt.Sprintf("%s seq=0 %s:8000", chatSlice, strings.Join(addresses, ","))
	}
	w.wantSlices(shown(0))

	// Scaled up, with readiness said, not said and denied; a second slice.
	vllm.show("a", 8000, ready(w.address(0)), unknown(w.address(1)), unready(w.address(2)))
	w.awaitSlices(shown(0, 1))
	vllm.show("b", 8000, ready(w.address(3)))
	w.awaitSlices(shown(0, 1, 3))
	// Scaled down: Pods that end get nothing new, even if they still count as ready.
	vllm.show("a", 8000, ending(w.address(0)), ready(w.address(2)))
	w.awaitSlices(shown(2, 3))
	vllm.show("b", 8000)
	w.awaitSlices(shown(2))

	b = w.get("chat")
	w.wantHistory(b)
	w.wantConditions(b, "Ready=True Serving", "Published=True Published")
}

// A Service without ready endpoints is a region that fails. Where nothing else answers its last endpoints stay.
func TestServiceRefToZero(t *testing.T) {
	for name, secondary := range map[string]bool{"with another region": true, "with nothing else": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.region(0)
			w.region(1)
			west := w.region(9)
			vllm := w.pods("vllm")
			vllm.show("a", 8000, ready(w.address(0)))
			w.start()
			b := makeLLMBackend("chat").primaryRef("local", vllm.ref())
			if secondary {
				b.secondary("eu-west", west.URL())
			}
			w.apply(b.obj())
			w.awaitActive("chat", "local")
			first := w.address(0) + ":8000"
			w.wantSlices(chatSlice + " seq=0 " + first)

			vllm.show("a", 8000, unready(w.address(0)))
			opened := w.awaitOpen("chat", "local")
			if reason := newest(opened, llmv1alpha1.TransitionBreakerOpened).Reason; reason != "NoReadyEndpoints" {
				t.Errorf("opened for the reason %s, want NoReadyEndpoints", reason)
			}
			if secondary {
				b := w.awaitActive("chat", "eu-west")
				w.wantSlices(sliceOf(b) + west.Addr())
			} else {
				w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonNoHealthyRegion)
				w.wantSlices(chatSlice + " seq=0 " + first)
			}

			vllm.show("a", 8000, ready(w.address(1)))
			back := w.await("chat", "serving", func(b *llmv1alpha1.LLMBackend) bool {
				return published(b) && hasReason(b, llmv1alpha1.ConditionReady, llmv1alpha1.ReasonServing)
			})
			w.awaitSlices(sliceOf(back) + w.address(1) + ":8000")
		})
	}
}

// A rolling update replaces every Pod. What is published is at all times ready, and never nothing.
func TestServiceRefRollingUpdate(t *testing.T) {
	w := newWorld(t)
	for i := range 6 {
		w.region(i)
	}
	vllm := w.pods("vllm")
	old, fresh := []int{0, 1, 2}, []int{3, 4, 5}
	vllm.show("a", 8000, ready(w.address(0)), ready(w.address(1)), ready(w.address(2)))
	w.start()
	w.apply(makeLLMBackend("chat").primaryRef("local", vllm.ref()).secondary("eu-west", w.region(9).URL()).obj())
	w.awaitActive("chat", "local")
	revisions := w.recordRevisions()
	var states []string
	for i := range old {
		for _, starting := range []bool{true, false} {
			var endpoints []discoveryv1.Endpoint
			var addresses []string
			for j := range old {
				switch {
				case j > i, j == i && starting:
					endpoints = append(endpoints, ready(w.address(old[j])))
					addresses = append(addresses, w.address(old[j]))
				case j == i:
					endpoints = append(endpoints, ending(w.address(old[j])))
				}
				switch {
				case j < i, j == i && !starting:
					endpoints = append(endpoints, ready(w.address(fresh[j])))
					addresses = append(addresses, w.address(fresh[j]))
				case j == i:
					endpoints = append(endpoints, unready(w.address(fresh[j])))
				}
			}
			slices.Sort(addresses)
			state := chatSlice + " seq=0 " + strings.Join(addresses, ",") + ":8000"
			states = append(states, state)
			vllm.show("a", 8000, endpoints...)
			w.awaitSlices(state)
		}
	}
	for _, r := range revisions() {
		if !slices.Contains(states, r) {
			t.Errorf("published meanwhile: %s", r)
		}
	}
	w.wantHistory(w.get("chat"))
}

// A port by its name leads to different numbers in different Pods: those with the number of most have the traffic.
func TestServiceRefByPortName(t *testing.T) {
	w := newWorld(t)
	w.region(0)
	w.region(1)
	third, fourth := w.regionAt(w.address(2)+":8080"), w.regionAt(w.address(3)+":8080")
	vllm := w.pods("vllm")
	vllm.show("a", 8000, ready(w.address(0)), ready(w.address(1)))
	vllm.show("b", 8080, ready(w.address(2)))
	ref := vllm.ref()
	ref.Port = intstr.FromString("http")
	w.start()
	w.apply(makeLLMBackend("chat").primaryRef("local", ref).obj())
	w.awaitActive("chat", "local")
	w.wantSlices(fmt.Sprintf("%s seq=0 %s,%s:8000", chatSlice, w.address(0), w.address(1)))
	vllm.show("b", 8080, ready(w.address(2)), ready(w.address(3)))
	vllm.show("a", 8000, ready(w.address(1)))
	w.awaitSlices(fmt.Sprintf("%s seq=0 %s,%s:8080", chatSlice, w.address(2), w.address(3)))
	w.awaitProbes(1, third, fourth)
	w.wantHistory(w.get("chat"))
}

// Services of every kind that has endpoints can be a region. None is asked by its cluster IP.
func TestServiceRefKinds(t *testing.T) {
	for name, edit := range map[string]func(*corev1.Service){
		"headless":         func(s *corev1.Service) { s.Spec.ClusterIP = corev1.ClusterIPNone },
		"without selector": func(s *corev1.Service) { s.Spec.Selector = nil },
		"load balancer":    func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeLoadBalancer },
		"port without name": func(s *corev1.Service) {
			s.Spec.Ports[0].Name = ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			east := w.region(0)
			vllm := w.pods("vllm", edit)
			vllm.show("a", 8000, ready(w.address(0)))
			if name == "port without name" {
				s := w.slice("vllm-a")
				s.Ports[0].Name = nil
				w.update(s)
			}
			w.start()
			w.apply(makeLLMBackend("chat").primaryRef("local", vllm.ref()).obj())
			w.awaitActive("chat", "local")
			w.wantSlices(chatSlice + " seq=0 " + east.Addr())
			w.awaitProbes(1, east)
			w.wantHistory(w.get("chat"))
		})
	}
}

func TestServiceRefNotAskedByClusterIP(t *testing.T) {
	w := newWorld(t)
	_, trap := w.trapService("trap", func(s *corev1.Service) {
		s.Annotations, s.Spec.Selector = nil, map[string]string{"app": "trap"}
	})
	east := w.region(0)
	vllm := &pods{w: w, namespace: w.ns, name: "trap"}
	vllm.show("a", 8000, ready(w.address(0)))
	w.start()
	w.apply(makeLLMBackend("chat").primaryRef("local", vllm.ref()).obj())
	w.awaitActive("chat", "local")
	w.wantSlices(chatSlice + " seq=0 " + east.Addr())
	w.awaitProbes(2, east)
	wantNoConnection(t, trap)
}

// A reference that leads nowhere is a region that fails, and says what is to be put right.
func TestServiceRefThatLeadsNowhere(t *testing.T) {
	number := func(n int32) func(*llmv1alpha1.ServiceReference) {
		return func(r *llmv1alpha1.ServiceReference) { r.Port = intstr.FromInt32(n) }
	}
	for _, test := range []struct {
		reason  string
		stalled bool
		service func(*corev1.Service)
		ref     func(*llmv1alpha1.ServiceReference)
	}{
		{"ServiceNotFound", false, nil, func(r *llmv1alpha1.ServiceReference) { r.Name = "other" }},
		{"ServicePortNotFound", true, nil, number(8000)},
		{"ServicePortNotFound", true, nil, func(r *llmv1alpha1.ServiceReference) { r.Port = intstr.FromString("https") }},
		{"ServicePortNotFound", true, func(s *corev1.Service) { s.Spec.Ports[0].Protocol = corev1.ProtocolUDP }, nil},
		{"ExternalNameService", true, func(s *corev1.Service) {
			s.Spec.Type, s.Spec.ExternalName = corev1.ServiceTypeExternalName, "vllm.example.com"
		}, nil},
		{"PublishedService", true, func(s *corev1.Service) {
			s.Annotations = map[string]string{"llm.breakwater.dev/backend": "other"}
		}, nil},
	} {
		t.Run(test.reason, func(t *testing.T) {
			w := newWorld(t)
			w.region(0)
			west := w.region(9)
			if test.service == nil {
				test.service = func(*corev1.Service) {}
			}
			vllm := w.pods("vllm", test.service)
			vllm.show("a", 8000, ready(w.address(0)))
			ref := vllm.ref()
			if test.ref != nil {
				test.ref(&ref)
			}
			w.start()
			w.apply(makeLLMBackend("chat").primaryRef("local", ref).secondary("eu-west", west.URL()).obj())
			b := w.awaitActive("chat", "eu-west")
			w.wantSlices(sliceOf(b) + west.Addr())
			if reason := newest(b, llmv1alpha1.TransitionBreakerOpened).Reason; reason != test.reason {
				t.Errorf("opened for the reason %s, want %s", reason, test.reason)
			}
			if test.stalled {
				w.awaitCondition("chat", "Stalled=True "+test.reason)
			}
		})
	}
}

// The Service may come later.
func TestServiceRefToAServiceThatComesLater(t *testing.T) {
	w := newWorld(t)
	east := w.region(0)
	vllm := &pods{w: w, namespace: w.ns, name: "vllm"}
	w.start()
	w.apply(makeLLMBackend("chat").primaryRef("local", vllm.ref()).obj())
	w.awaitOpen("chat", "local")
	w.pods("vllm").show("a", 8000, ready(w.address(0)))
	b := w.awaitCondition("chat", "Ready=True Serving")
	w.wantSlices(sliceOf(b) + east.Addr())
}

// A ready Pod that does not answer the probe of a switch is not part of it. It comes in when it answers.
func TestServiceRefWithAPodThatDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	east, one, two := w.region(0), w.region(1), w.region(2)
	w.set(two, lab.Status(503))
	vllm := w.pods("vllm")
	vllm.show("a", 8000, ready(w.address(1)), ready(w.address(2)))
	revisions := w.recordRevisions()
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", east.URL()).secondaryRef("local", vllm.ref()).edit(failback(llmv1alpha1.FailbackManual)).obj())
	w.awaitActive("chat", "us-east")
	w.set(east, lab.Status(503))
	b := w.awaitActive("chat", "local")
	w.awaitProbes(2, one)
	if diff := cmp.Diff([]string{chatSlice + " seq=0 " + east.Addr(), sliceOf(b) + one.Addr()}, revisions()); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	w.set(two, lab.Healthy())
	w.awaitSlices(sliceOf(b) + w.address(1) + "," + two.Addr())

	w.set(one, lab.Status(503))
	w.awaitSlices(sliceOf(b) + two.Addr())
	w.set(two, lab.Status(503)) // the region fails as a whole: which of its Pods would be better?
	w.awaitOpen("chat", "local")
	w.wantSlices(sliceOf(b) + two.Addr())
}

// A restart changes nothing.
func TestServiceRefAfterARestart(t *testing.T) {
	w := newWorld(t)
	one := w.region(0)
	w.region(1)
	vllm := w.pods("vllm")
	vllm.show("a", 8000, ready(w.address(0)), ready(w.address(1)))
	w.start()
	w.apply(makeLLMBackend("chat").primaryRef("local", vllm.ref()).secondary("eu-west", w.region(9).URL()).obj())
	w.awaitActive("chat", "local")
	before, stored := w.sliceVersions(), w.get("chat").ResourceVersion
	w.restart()
	w.awaitProbes(2, one)
	if diff := cmp.Diff(before, w.sliceVersions()); diff != "" {
		t.Errorf("slices were written (-before +after):\n%s", diff)
	}
	if now := w.get("chat").ResourceVersion; now != stored {
		t.Errorf("the status was written")
	}
}

// Hundreds of endpoints are published, and a probe asks no more than sixteen of them.
func TestServiceRefWithManyEndpoints(t *testing.T) {
	w := newWorld(t)
	one := w.region(0)
	vllm := w.pods("vllm")
	var addresses []string
	for slice := range 3 {
		var endpoints []discoveryv1.Endpoint
		for i := range 100 {
			addresses = append(addresses, fmt.Sprintf("10.%d.%d.%d", 101+slice, w.number%250, 10+i))
			endpoints = append(endpoints, ready(addresses[len(addresses)-1]))
		}
		vllm.show(fmt.Sprint(slice), 8000, endpoints...)
	}
	addresses = append([]string{w.address(0)}, addresses...)
	vllm.show("answering", 8000, ready(w.address(0)))
	w.start()
	w.apply(makeLLMBackend("chat").primaryRef("local", vllm.ref()).obj())
	w.awaitActive("chat", "local")
	w.awaitProbes(1, one)
	// Of those asked one answers, and the others leave, if they were published before. The rest counts as answering.
	w.awaitSlices(chatSlice + " seq=0 " + strings.Join(append(addresses[:1:1], addresses[16:]...), ",") + ":8000")
	w.wantConditions(w.get("chat"), "Ready=True Serving")
}

func TestServiceRefDualStack(t *testing.T) {
	w := newWorld(t)
	east4, east6, west4 := w.region(0), w.region6(0), w.region(1)
	dual := func(s *corev1.Service) {
		s.Spec.IPFamilyPolicy = new(corev1.IPFamilyPolicyRequireDualStack)
		s.Spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}
	}
	vllm, single := w.pods("vllm", dual), w.pods("single")
	vllm.show("v4", 8000, ready(w.address(0)))
	vllm.show("v6", 8000, ready(w.address6(0)))
	single.show("v4", 8000, ready(w.address(1)))
	w.start()
	w.apply(makeLLMBackend("chat").edit(ipFamilies(llmv1alpha1.IPv4, llmv1alpha1.IPv6)).
		primaryRef("local", vllm.ref()).secondaryRef("v4-only", single.ref()).obj())
	w.awaitCondition("chat", "Stalled=True AddressFamily")
	w.awaitActive("chat", "local")
	both := []string{chatSlice + " seq=0 " + east4.Addr(), "chat-breakwater-ipv6 seq=0 " + w.address6(0) + ":8000"}
	w.wantSlices(both...)
	w.awaitProbes(1, east6)

	// Ready in one family is not enough, and the region that lacks one is no candidate.
	vllm.show("v6", 8000, unready(w.address6(0)))
	w.awaitReason("chat", llmv1alpha1.ConditionReady, llmv1alpha1.ReasonNoHealthyRegion)
	b := w.awaitOpen("chat", "local")
	if reason := newest(b, llmv1alpha1.TransitionBreakerOpened).Reason; reason != "NoReadyEndpoints" {
		t.Errorf("opened for the reason %s, want NoReadyEndpoints", reason)
	}
	w.wantSlices(both...)
	if n := west4.Connections(); n > 0 {
		t.Errorf("%d connections to a region that lacks a family", n)
	}
}
