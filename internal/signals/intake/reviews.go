// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Audience is whom tokens must be for. One for the API server is not taken, so that nobody hands such a token to the
// operator, or to who stands in its place.
const Audience = "llm.breakwater.dev"

// Verdicts are kept for a while, so that a busy gateway costs the API server two reviews a minute.
const (
	allowedFor  = time.Minute
	refusedFor  = 10 * time.Second
	maxVerdicts = 4096
	// Tokens that are not known yet are reviewed at this rate at most, so many at a time.
	reviewRate       = 20
	reviewBurst      = 50
	reviewsAtOnce    = 8
	reviewPatience   = 5 * time.Second
	maxToken         = 8 << 10
	outcomesResource = "outcomes"
)

// Why a request is not taken, for now.
var (
	errTooManyReviews = errors.New("too many unknown credentials")
	errNoReview       = errors.New("the API server does not say who sends this")
)

// verdict says who may report about one LLMBackend.
type verdict struct {
	user    string // empty if the token is nobody's
	allowed bool
	until   time.Time
}

// question is what a verdict is about. The token itself is not kept.
type question struct {
	token   [sha256.Size]byte
	backend types.NamespacedName
}

// creator posts objects; a review is answered in place.
type creator interface {
	Create(ctx context.Context, o client.Object, opts ...client.CreateOption) error
}

// reviews asks the API server who may report, and remembers what it said.
type reviews struct {
	api   creator
	rate  *rate.Limiter
	slots chan struct{}

	mu       sync.Mutex
	verdicts map[question]verdict
}

func newReviews(api creator) *reviews {
	return &reviews{
		api: api, rate: rate.NewLimiter(reviewRate, reviewBurst), slots: make(chan struct{}, reviewsAtOnce),
		verdicts: map[question]verdict{},
	}
}

// judge returns the verdict about a token and an LLMBackend.
func (r *reviews) judge(ctx context.Context, token string, backend types.NamespacedName) (verdict, error) {
	if token == "" || len(token) > maxToken {
		return verdict{}, nil
	}
	q := question{sha256.Sum256([]byte(token)), backend}
	if v, ok := r.known(q, time.Now()); ok {
		return v, nil
	}
	if !r.rate.Allow() {
		return verdict{}, errTooManyReviews
	}
	ctx, cancel := context.WithTimeout(ctx, reviewPatience)
	defer cancel()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return verdict{}, errTooManyReviews
	}
	v, err := r.ask(ctx, token, backend)
	if err != nil {
		return verdict{}, errors.Join(errNoReview, err)
	}
	r.remember(q, v, time.Now())
	return v, nil
}

func (r *reviews) ask(ctx context.Context, token string, backend types.NamespacedName) (verdict, error) {
	who := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{Audience}}}
	if err := r.api.Create(ctx, who); err != nil {
		return verdict{}, err
	}
	if !who.Status.Authenticated {
		return verdict{}, nil
	}
	user := who.Status.User
	may := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra(user.Extra),
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: "create", Group: "llm.breakwater.dev", Resource: "llmbackends", Subresource: outcomesResource,
			Namespace: backend.Namespace, Name: backend.Name,
		},
	}}
	if err := r.api.Create(ctx, may); err != nil {
		return verdict{}, err
	}
	return verdict{user: user.Username, allowed: may.Status.Allowed && !may.Status.Denied}, nil
}

func extra(from map[string]authenticationv1.ExtraValue) map[string]authorizationv1.ExtraValue {
	to := make(map[string]authorizationv1.ExtraValue, len(from))
	for key, values := range from {
		to[key] = authorizationv1.ExtraValue(values)
	}
	return to
}

func (r *reviews) known(q question, now time.Time) (verdict, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.verdicts[q]
	return v, ok && now.Before(v.until)
}

func (r *reviews) remember(q question, v verdict, now time.Time) {
	v.until = now.Add(refusedFor)
	if v.allowed {
		v.until = now.Add(allowedFor)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.verdicts) >= maxVerdicts {
		r.forget(now)
	}
	r.verdicts[q] = v
}

// forget makes room: what is over goes, else anything.
func (r *reviews) forget(now time.Time) {
	for q, v := range r.verdicts {
		if !now.Before(v.until) {
			delete(r.verdicts, q)
		}
	}
	for q := range r.verdicts {
		if len(r.verdicts) < maxVerdicts {
			return
		}
		delete(r.verdicts, q)
	}
}
