// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package schedules

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/schedules/apiserver"
)

const (
	namespace    = "apps"
	backendName  = "chat"
	operatorName = "operator" // in what the server commits
	userName     = "user"
)

// regionNames are the regions that a spec may have. The n-th has the addresses 10.n+1.*.*.
var regionNames = [...]string{"a", "b", "c", "d"}

// world is one schedule: an API server, regions, an operator, and what is to happen to them.
type world struct {
	t     *testing.T
	ctx   context.Context
	seed  uint64
	began time.Time
	kinds kinds

	server   *apiserver.Server
	user     client.Client // of people: nothing goes wrong with their requests
	weather  weather
	regions  *regions
	script   []step
	backup   *apiserver.Snapshot
	backedUp types.UID               // of the LLMBackend in the backup
	newest   *llmv1alpha1.LLMBackend // as it is created again

	operator  *operator
	ending    sync.WaitGroup // of instances that were told to end while they started
	instances int
	restarts  []time.Time
	restored  []time.Time

	mu     sync.Mutex
	counts map[string]uint64
	lines  []line
}

// step is one thing that the script does.
type step struct {
	at   time.Duration
	what string
	do   func()
}

// line is one of the transcript.
type line struct {
	at   time.Time
	text string
}

func newWorld(t *testing.T, k kinds, seed uint64) *world {
	w := &world{
		t: t, ctx: t.Context(), seed: seed, began: time.Now(), kinds: k,
		server: apiserver.New(), counts: map[string]uint64{},
	}
	w.weather = weather{draw: w.draw, travel: w.travel, lags: map[string]time.Time{}}
	w.regions = &regions{
		travel: w.travel, behaviour: map[string]behaviour{}, partly: map[netip.Addr]behaviour{}, names: map[string]dnsRecord{},
	}
	for _, name := range regionNames {
		w.regions.behaviour[name] = healthy
	}
	user, err := client.New(connect(&apiserver.Connection{Server: w.server, Name: userName}), client.Options{Scheme: k.scheme, Mapper: k.mapper})
	if err != nil {
		t.Fatal(err)
	}
	w.user = user
	return w
}

// draw returns a number that depends on the seed, the key and how often that was asked before, and on nothing
// else: so goroutines that run at the same instant may ask in any order.
func (w *world) draw(key string) uint64 {
	w.mu.Lock()
	n := w.counts[key]
	w.counts[key]++
	w.mu.Unlock()
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, key, "#", n)
	return rand.NewPCG(w.seed, h.Sum64()).Uint64()
}

// travel returns how long something takes on the network: 0.2 to 2.2 ms, to the nanosecond, so that hardly ever
// two things arrive at the same instant.
func (w *world) travel(key string) time.Duration {
	return 200*time.Microsecond + time.Duration(w.draw(key)%2_000_000)
}

func (w *world) notef(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, line{time.Now(), fmt.Sprintf(format, args...)})
}

func (w *world) at(at time.Duration, what string, do func()) {
	w.script = append(w.script, step{at, what, do})
}

// must ends the schedule on an error of a request that nothing can happen to.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// backend returns the LLMBackend as it is stored; nil if there is none.
func (w *world) backend() *llmv1alpha1.LLMBackend {
	w.t.Helper()
	b := &llmv1alpha1.LLMBackend{}
	err := w.user.Get(w.ctx, client.ObjectKey{Namespace: namespace, Name: backendName}, b)
	if apierrors.IsNotFound(err) {
		return nil
	}
	w.must(err)
	return b
}

func (w *world) uid() types.UID {
	w.t.Helper()
	if b := w.backend(); b != nil {
		return b.UID
	}
	return ""
}

// edit changes the LLMBackend, if there is one, as a person does.
func (w *world) edit(change func(b *llmv1alpha1.LLMBackend)) {
	w.t.Helper()
	if b := w.backend(); b != nil {
		changed := b.DeepCopy()
		change(changed)
		w.must(w.user.Patch(w.ctx, changed, client.MergeFrom(b)))
	}
}

func (w *world) annotate(annotations map[string]string) {
	w.t.Helper()
	w.edit(func(b *llmv1alpha1.LLMBackend) {
		if b.Annotations == nil {
			b.Annotations = map[string]string{}
		}
		for name, value := range annotations {
			if value == "" {
				delete(b.Annotations, name)
			} else {
				b.Annotations[name] = value
			}
		}
	})
}

// mostTouches is how often another writer comes before a status write in one second: three times in one reconcile, and
// again in the next, but not for as long as the operator is fast enough to try again.
const mostTouches = 5

// arrived lets another writer come before a status write, where the weather is so.
func (w *world) arrived(r apiserver.Request) error {
	if r.Subresource != "status" {
		return nil
	}
	if f, ok := w.weather.meets(r); ok && f.conflict && w.mayTouch() {
		w.annotate(map[string]string{"example.com/touched": time.Now().Format(time.RFC3339Nano)})
	}
	return nil
}

func (w *world) mayTouch() bool {
	key := "touched in " + inSeconds(time.Since(w.began).Truncate(second))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[key]++
	return w.counts[key] <= mostTouches
}
