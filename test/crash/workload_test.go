// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"cmp"
	"slices"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/apiproxy"
	"github.com/breakwater-dev/breakwater/test/observer"
)

// workload is something that happens to an operator.
type workload struct {
	name string
	// begin brings the world to where the writes begin to be numbered.
	begin func(*world)
	// happen is what happens, to its end.
	happen func(*world)
	// meanwhile happens once, just before the first numbered write of a slice, or of the resource at.
	meanwhile func(*world)
	at        string
	// judged are the LLMBackends that are there at the end.
	judged []string
}

var workloads = []workload{{
	name:   "first-publish",
	begin:  func(*world) {},
	happen: func(w *world) { w.create(w.backend("chat")); w.awaitPublished("chat", "us-east") },
	judged: []string{"chat"},
}, {
	name:  "failover",
	begin: serving(),
	happen: func(w *world) {
		w.set("us-east", false)
		w.awaitPublished("chat", "eu-west")
	},
	judged: []string{"chat"},
}, {
	name:  "failback",
	begin: failedOver(soonTried),
	happen: func(w *world) {
		w.set("us-east", true)
		w.awaitPublished("chat", "us-east")
	},
	judged: []string{"chat"},
}, {
	name:  "reset",
	begin: failedOver(),
	happen: func(w *world) {
		w.set("us-east", true)
		w.annotate("chat", llmv1alpha1.ResetAnnotation, "now")
		w.awaitPublished("chat", "us-east")
	},
	judged: []string{"chat"},
}, {
	name:  "switch",
	begin: serving(),
	happen: func(w *world) {
		w.annotate("chat", llmv1alpha1.SwitchToAnnotation, "eu-west", llmv1alpha1.SwitchRequestedAtAnnotation, "now")
		w.awaitPublished("chat", "eu-west")
	},
	judged: []string{"chat"},
}, {
	name:      "spec-edit-in-failover",
	begin:     serving(),
	meanwhile: replaceSecondary,
	happen:    failOverToReplaced,
	judged:    []string{"chat"},
}, {
	name:      "spec-edit-in-decision",
	begin:     serving(),
	meanwhile: replaceSecondary,
	at:        "llmbackends/status",
	happen:    failOverToReplaced,
	judged:    []string{"chat"},
}, {
	name:  "deletion-in-failover",
	begin: func(w *world) { w.collectGarbage(); serving()(w) },
	meanwhile: func(w *world) {
		w.remove("chat")
	},
	happen: func(w *world) {
		w.set("us-east", false)
		w.await("deleted with all that it owns", nothingLeft)
		w.set("us-east", true)
		w.create(w.backend("chat"))
		w.awaitPublished("chat", "us-east")
	},
	judged: []string{"chat"},
}, {
	name:  "deletion-with-retain",
	begin: func(w *world) { w.collectGarbage(); serving()(w) },
	happen: func(w *world) {
		w.change("chat", func(b *llmv1alpha1.LLMBackend) { retained(&b.Spec) })
		w.await("without owner", ownerless)
		w.remove("chat")
		w.create(w.backend("chat", retained, func(s *llmv1alpha1.LLMBackendSpec) {
			s.Primary, s.Secondaries[0] = s.Secondaries[0], s.Primary
		}))
		w.awaitPublished("chat", "eu-west")
	},
	judged: []string{"chat"},
}, {
	name:  "service-conflict",
	begin: func(w *world) { w.collectGarbage(); serving()(w) },
	happen: func(w *world) {
		rival := w.backend("rival", func(s *llmv1alpha1.LLMBackendSpec) { s.Service.Name = "chat" })
		w.create(rival)
		w.await("refused", conflicted("rival"))
		w.remove("chat")
		w.awaitPublished("rival", "us-east")
	},
	judged: []string{"rival"},
}}

func workloadNamed(t *testing.T, name string) workload {
	t.Helper()
	i := slices.IndexFunc(workloads, func(l workload) bool { return l.name == name })
	if i < 0 {
		t.Fatalf("no workload %s", name)
	}
	return workloads[i]
}

// serving begins with the LLMBackend chat in its primary region.
func serving(edits ...edit) func(*world) {
	return func(w *world) {
		w.create(w.backend("chat", edits...))
		w.awaitPublished("chat", "us-east")
	}
}

// failedOver begins with the LLMBackend chat in its secondary region, because the primary one is dead.
func failedOver(edits ...edit) func(*world) {
	return func(w *world) {
		serving(edits...)(w)
		w.set("us-east", false)
		w.awaitPublished("chat", "eu-west")
	}
}

// replaceSecondary takes the region to which traffic is about to move out of the spec.
func replaceSecondary(w *world) {
	w.change("chat", func(b *llmv1alpha1.LLMBackend) {
		b.Spec.Secondaries = []llmv1alpha1.Region{w.region("ap-south")}
	})
}

func failOverToReplaced(w *world) {
	w.set("us-east", false)
	w.awaitPublished("chat", "ap-south")
}

func nothingLeft(s observer.State) bool {
	return len(s.Backends)+len(s.Services)+len(s.Slices) == 0
}

// ownerless says whether no object goes with its owner, and nobody waits for the operator.
func ownerless(s observer.State) bool {
	for _, service := range s.Services {
		if len(service.OwnerReferences) > 0 {
			return false
		}
	}
	for _, slice := range s.Slices {
		if len(slice.OwnerReferences) > 0 {
			return false
		}
	}
	b := s.Backends["chat"]
	return b.Status.ObservedGeneration == b.Generation
}

func conflicted(name string) func(observer.State) bool {
	return func(s observer.State) bool {
		b := s.Backends[name]
		if b == nil {
			return false
		}
		c := meta.FindStatusCondition(b.Status.Conditions, llmv1alpha1.ConditionStalled)
		return c != nil && c.Reason == llmv1alpha1.ReasonConflicted
	}
}

// arm numbers the writes from here on and has trap called with each, after what happens meanwhile.
func (l workload) arm(w *world, o *operator, trap apiproxy.Interceptor) {
	var once sync.Once
	at := cmp.Or(l.at, "endpointslices")
	o.proxy.Intercept(func(write apiproxy.Write, forward apiproxy.Forward) *apiproxy.Answer {
		if l.meanwhile != nil && write.About(at) {
			once.Do(func() { l.meanwhile(w) })
		}
		return trap(write, forward)
	})
}
