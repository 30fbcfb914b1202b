// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	good = "/apis/llm.breakwater.dev/v1alpha1/namespaces/apps/llmbackends/chat/outcomes"
	one  = `{"outcomes":[{"region":"us-east","status":503}]}`
)

// apiServer knows two tokens: gateway may report about apps/chat and apps/new, visitor about nothing.
type apiServer struct {
	mu      sync.Mutex
	reviews int
	down    bool
}

func (a *apiServer) Create(_ context.Context, o client.Object, _ ...client.CreateOption) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down {
		return errors.New("connection refused")
	}
	switch review := o.(type) {
	case *authenticationv1.TokenReview:
		a.reviews++
		known := review.Spec.Token == "gateway" || review.Spec.Token == "visitor"
		if known && len(review.Spec.Audiences) == 1 && review.Spec.Audiences[0] == Audience {
			review.Status.Authenticated = true
			review.Status.User = authenticationv1.UserInfo{
				Username: review.Spec.Token, Groups: []string{"all"}, Extra: map[string]authenticationv1.ExtraValue{"pod": {"a"}},
			}
		}
	case *authorizationv1.SubjectAccessReview:
		r := review.Spec.ResourceAttributes
		review.Status.Allowed = review.Spec.User == "gateway" && len(review.Spec.Groups) == 1 && len(review.Spec.Extra) == 1 &&
			r.Namespace == "apps" && r.Group == "llm.breakwater.dev" && r.Resource == "llmbackends" && r.Subresource == "outcomes" && r.Verb == "create"
	}
	return nil
}

// sink has one LLMBackend, apps/chat with the region us-east, and is not ready for apps/new.
type sink struct {
	mu    sync.Mutex
	taken int
}

func (s *sink) Check(_ context.Context, backend types.NamespacedName) error {
	switch backend.Name {
	case "chat":
		return nil
	case "new":
		return ErrStarting
	}
	return ErrNotFound
}

func (s *sink) Take(_ types.NamespacedName, outcomes []Outcome) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range outcomes {
		if o.Region != "us-east" {
			return &UnknownRegionError{Region: o.Region, Known: []string{"us-east"}}
		}
	}
	s.taken += len(outcomes)
	return nil
}

// post returns the answer to a request of a token.
func post(h http.Handler, method, to, token, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, to, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request)
	return w
}

func newHandler(leads bool) (http.Handler, *sink, *apiServer) {
	taken, api := &sink{}, &apiServer{}
	s := NewServer(Options{
		Service: types.NamespacedName{Namespace: "breakwater-system", Name: "breakwater-outcomes"}, Leads: func() bool { return leads },
	}, taken, api)
	return s.handler, taken, api
}

func TestAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		method, to, token, body string
		status                  int
		says                    string
	}{
		"taken":                {http.MethodPost, good, "gateway", one, 202, ""},
		"no token":             {http.MethodPost, good, "", one, 401, "--audience=llm.breakwater.dev"},
		"an unknown token":     {http.MethodPost, good, "other", one, 401, "Authorization: Bearer"},
		"a long token":         {http.MethodPost, good, strings.Repeat("x", 10_000), one, 401, "Authorization: Bearer"},
		"not allowed":          {http.MethodPost, good, "visitor", one, 403, "visitor may not create llmbackends/outcomes of the name chat in namespace apps"},
		"another namespace":    {http.MethodPost, strings.Replace(good, "apps", "other", 1), "gateway", one, 403, "in namespace other"},
		"no such LLMBackend":   {http.MethodPost, strings.Replace(good, "chat", "chap", 1), "gateway", one, 404, "there is no such LLMBackend"},
		"not ready":            {http.MethodPost, strings.Replace(good, "chat", "new", 1), "gateway", one, 503, "has just begun to lead"},
		"elsewhere":            {http.MethodPost, "/outcomes", "gateway", one, 404, "POST a batch to /apis/"},
		"another method":       {http.MethodGet, good, "gateway", "", 405, "GET does not work here"},
		"no batch":             {http.MethodPost, good, "gateway", "{", 400, "write {"},
		"an unknown region":    {http.MethodPost, good, "gateway", strings.Replace(one, "us-east", "mars", 1), 400, "region mars is not in the spec: write one of us-east"},
		"a large batch":        {http.MethodPost, good, "gateway", one + strings.Repeat(" ", MaxBody), 413, "send fewer outcomes"},
		"a long unknown field": {http.MethodPost, good, "gateway", `{"` + strings.Repeat("x", 2000) + `":1}`, 400, "unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			h, taken, _ := newHandler(true)
			w := post(h, tc.method, tc.to, tc.token, tc.body)
			var said struct{ Error string }
			if w.Body.Len() > 0 {
				if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
					t.Errorf("the answer is not JSON: %v", err)
				}
			}
			if w.Code != tc.status || !strings.Contains(said.Error, tc.says) || tc.says == "" != (said.Error == "") {
				t.Errorf("%d %q, want %d with %q", w.Code, said.Error, tc.status, tc.says)
			}
			if len(said.Error) > maxMessage {
				t.Errorf("an answer of %d bytes", len(said.Error))
			}
			if (taken.taken > 0) != (tc.status == 202) {
				t.Errorf("%d outcomes were taken", taken.taken)
			}
			if challenged := w.Header().Get("WWW-Authenticate") != ""; challenged != (tc.status == 401) {
				t.Errorf("WWW-Authenticate %q", w.Header().Get("WWW-Authenticate"))
			}
		})
	}
}

func TestNotJSON(t *testing.T) {
	h, _, api := newHandler(true)
	request := httptest.NewRequest(http.MethodPost, good, strings.NewReader(one))
	request.Header.Set("Authorization", "Bearer gateway")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request)
	if w.Code != http.StatusUnsupportedMediaType || api.reviews > 0 {
		t.Errorf("%d after %d reviews, want 415 after none", w.Code, api.reviews)
	}
}

// A replica that does not lead says where to go, and closes the connection so that the next one goes there.
func TestNotTheLeader(t *testing.T) {
	h, taken, api := newHandler(false)
	w := post(h, http.MethodPost, good, "gateway", one)
	if w.Code != http.StatusMisdirectedRequest || w.Header().Get("Connection") != "close" || !strings.Contains(w.Body.String(), "send to the Service breakwater-system/breakwater-outcomes") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if taken.taken > 0 || api.reviews > 0 {
		t.Errorf("%d outcomes taken, %d reviews", taken.taken, api.reviews)
	}
}

// A busy gateway is held back, and costs few reviews.
func TestTooOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, taken, api := newHandler(true)
		codes := map[int]int{}
		for range 600 {
			w := post(h, http.MethodPost, good, "gateway", one)
			codes[w.Code]++
			if limited := w.Code == http.StatusTooManyRequests; limited != (w.Header().Get("Retry-After") == "1") {
				t.Fatalf("%d with Retry-After %q", w.Code, w.Header().Get("Retry-After"))
			}
			time.Sleep(50 * time.Millisecond)
		}
		if want := batchBurst + 30*batchRate; codes[202] < want-2 || codes[202] > want+2 || codes[202]+codes[429] != 600 || taken.taken != codes[202] {
			t.Errorf("in 30 s: %v, want %d taken", codes, want)
		}
		if api.reviews != 1 {
			t.Errorf("%d reviews within a minute, want 1", api.reviews)
		}
		time.Sleep(allowedFor)
		post(h, http.MethodPost, good, "gateway", one)
		if api.reviews != 2 {
			t.Errorf("%d reviews after a minute, want 2: a right may have been taken back", api.reviews)
		}
	})
}

// Whoever tries tokens neither floods the API server nor keeps known senders out.
func TestGuessedTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, api := newHandler(true)
		post(h, http.MethodPost, good, "gateway", one)
		codes := map[int]int{}
		for i := range 2 * maxVerdicts {
			codes[post(h, http.MethodPost, good, "guess"+strings.Repeat("x", i%97)+string(rune('0'+i%10)), one).Code]++
		}
		if api.reviews > reviewBurst || codes[401] == 0 || codes[429] == 0 || codes[401]+codes[429] != 2*maxVerdicts {
			t.Errorf("%d reviews at once, answers %v", api.reviews, codes)
		}
		if w := post(h, http.MethodPost, good, "gateway", one); w.Code != http.StatusAccepted {
			t.Errorf("a known sender gets %d", w.Code)
		}
	})
}

func TestVerdictsAreBounded(t *testing.T) {
	r := newReviews(&apiServer{})
	for i := range 2 * maxVerdicts {
		r.remember(question{backend: types.NamespacedName{Name: strings.Repeat("x", i)}}, verdict{allowed: true}, epoch())
	}
	if n := len(r.verdicts); n > maxVerdicts {
		t.Errorf("%d verdicts are kept, want at most %d", n, maxVerdicts)
	}
}

func TestAPIServerDown(t *testing.T) {
	h, taken, api := newHandler(true)
	api.down = true
	w := post(h, http.MethodPost, good, "gateway", one)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "refused") || taken.taken > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
