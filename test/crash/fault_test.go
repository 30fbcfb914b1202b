// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/apiproxy"
	"github.com/breakwater-dev/breakwater/test/observer"
)

// story is everything that moves traffic, one after the other.
var story = workload{
	name:  "story",
	begin: serving(soonTried),
	happen: func(w *world) {
		w.set("us-east", false)
		w.awaitPublished("chat", "eu-west")
		w.set("us-east", true)
		w.awaitPublished("chat", "us-east")
		w.annotate("chat", llmv1alpha1.SwitchToAnnotation, "eu-west", llmv1alpha1.SwitchRequestedAtAnnotation, "now")
		w.awaitPublished("chat", "eu-west")
		w.change("chat", func(b *llmv1alpha1.LLMBackend) {
			b.Spec.Primary, b.Spec.Secondaries[0] = w.region("ap-south"), b.Spec.Primary
		})
		w.awaitPublished("chat", "ap-south")
		w.annotate("chat", llmv1alpha1.ResetAnnotation, "now")
		w.await("reset", func(s observer.State) bool { return s.Backends["chat"].Status.LastHandledReset == "now" })
		w.awaitPublished("chat", "ap-south")
	},
	judged: []string{"chat"},
}

// fault is something that is wrong all through a story.
type fault struct {
	name string
	// begin begins it. It ends by itself when the test does.
	begin func(*world, *operator)
	// trap is what becomes of a write; nil passes writes on.
	trap apiproxy.Interceptor
}

// Whatever the API server and the way to it do, the operator ends where it ends undisturbed.
func TestFaults(t *testing.T) {
	t.Parallel()
	_, want := story.undisturbed(t)
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			w, o := story.start(t)
			trap := f.trap
			if trap == nil {
				trap = carryOut
			}
			story.arm(w, o, trap)
			if f.begin != nil {
				f.begin(w, o)
			}
			story.happen(w)
			w.finish(story, o, want, f.name)
		})
	}
}

func carryOut(_ apiproxy.Write, forward apiproxy.Forward) *apiproxy.Answer { return forward() }

func faults() []fault {
	var all []fault
	for _, resource := range []string{"llmbackends", "endpointslices", "services"} {
		all = append(all,
			fault{name: "late-news-of-" + resource, begin: func(_ *world, o *operator) {
				o.proxy.Delay(resource, 2*time.Second)
			}},
			fault{name: "lost-news-of-" + resource, begin: func(w *world, o *operator) { w.blink(o, resource) }})
	}
	for _, code := range []int{
		http.StatusConflict, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
	} {
		all = append(all, fault{name: fmt.Sprintf("a-third-refused-with-%d", code), trap: aThird(
			func(apiproxy.Forward) *apiproxy.Answer { return apiproxy.Refusal(code) })})
	}
	return append(all,
		fault{name: "a-third-lost", trap: aThird(func(apiproxy.Forward) *apiproxy.Answer { return nil })},
		fault{name: "a-third-of-answers-lost", trap: aThird(func(forward apiproxy.Forward) *apiproxy.Answer {
			forward()
			return nil
		})},
		fault{name: "a-third-carried-out-and-answered-500", trap: aThird(func(forward apiproxy.Forward) *apiproxy.Answer {
			forward()
			return apiproxy.Refusal(http.StatusInternalServerError)
		})})
}

// aThird has instead answer a third of the writes, the same numbers in every run.
func aThird(instead func(apiproxy.Forward) *apiproxy.Answer) apiproxy.Interceptor {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(3, 1))
	return func(_ apiproxy.Write, forward apiproxy.Forward) *apiproxy.Answer {
		mu.Lock()
		hit := random.IntN(3) == 0
		mu.Unlock()
		if hit {
			return instead(forward)
		}
		return forward()
	}
}

// blink hides every change of a resource from the operator for some time, and has it look again, over and over.
func (w *world) blink(o *operator, resource string) {
	end := make(chan struct{})
	var blinking sync.WaitGroup
	blinking.Go(func() {
		hidden := false
		ticker := time.NewTicker(2 * time.Second)
		defer ticker.Stop()
		for {
			if hidden = !hidden; hidden {
				o.proxy.Drop(resource)
			} else {
				o.proxy.Show(resource)
			}
			select {
			case <-ticker.C:
			case <-end:
				o.proxy.Show(resource)
				return
			}
		}
	})
	w.t.Cleanup(func() {
		close(end)
		blinking.Wait()
	})
}

// Each write of a failover is refused once, in each way.
func TestRefusedWrite(t *testing.T) {
	t.Parallel()
	l := workloadNamed(t, "failover")
	writes, want := l.undisturbed(t)
	for i := range writes {
		for _, code := range []int{
			http.StatusConflict, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
		} {
			t.Run(fmt.Sprintf("%d-%d", i+1, code), func(t *testing.T) {
				t.Parallel()
				w, o := l.start(t)
				l.arm(w, o, func(write apiproxy.Write, forward apiproxy.Forward) *apiproxy.Answer {
					if write.Number == i+1 {
						return apiproxy.Refusal(code)
					}
					return forward()
				})
				l.happen(w)
				w.finish(l, o, want, fmt.Sprintf("write %d refused with %d", i+1, code))
			})
		}
	}
}
