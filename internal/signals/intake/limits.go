// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"sync"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
)

// Batches about one LLMBackend are taken at this rate at most, per second.
const (
	batchRate  = 10
	batchBurst = 20
)

// maxLimits is how many LLMBackends are told apart before those that have been quiet are forgotten.
const maxLimits = 20_000

// limits bounds the batches of each LLMBackend.
type limits struct {
	mu sync.Mutex
	of map[types.NamespacedName]*rate.Limiter
}

func newLimits() *limits { return &limits{of: map[types.NamespacedName]*rate.Limiter{}} }

// allow says whether one more batch is taken now. It is asked about LLMBackends that exist.
func (l *limits) allow(backend types.NamespacedName) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter := l.of[backend]
	if limiter == nil {
		if len(l.of) >= maxLimits {
			l.forgetQuiet()
		}
		limiter = rate.NewLimiter(batchRate, batchBurst)
		l.of[backend] = limiter
	}
	return limiter.Allow()
}

// forgetQuiet forgets those that would be made anew just as they are.
func (l *limits) forgetQuiet() {
	for backend, limiter := range l.of {
		if limiter.Tokens() >= batchBurst {
			delete(l.of, backend)
		}
	}
}
