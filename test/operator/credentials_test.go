// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr/funcr"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// keyed is a server that takes one key. It shows what it gets wherever an answer has room.
type keyed struct {
	mu  sync.Mutex
	key string
}

func (k *keyed) set(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.key = key
}

func (k *keyed) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	k.mu.Lock()
	wanted := k.key
	k.mu.Unlock()
	got := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	w.Header().Set("X-Echo", got)
	w.Header().Set("Retry-After", got)
	if got != wanted {
		w.WriteHeader(http.StatusUnauthorized)
	}
	_, _ = fmt.Fprintf(w, `{"error":{"code":%q,"type":%q,"message":%q}}`, got, got, got)
}

func (w *world) putSecret(name string, data map[string]string) {
	w.t.Helper()
	secret := &corev1.Secret{StringData: data}
	secret.Annotations = map[string]string{llmv1alpha1.AllowProbesAnnotation: "true"}
	w.create(secret, name, w.ns)
}

func (w *world) changeSecret(name string, change func(*corev1.Secret)) {
	w.t.Helper()
	before := &corev1.Secret{}
	if err := w.client.Get(w.ctx, client.ObjectKey{Namespace: w.ns, Name: name}, before); err != nil {
		w.t.Fatal(err)
	}
	after := before.DeepCopy()
	change(after)
	if err := w.client.Patch(w.ctx, after, client.MergeFrom(before)); err != nil {
		w.t.Fatal(err)
	}
}

func authorized(s *llmv1alpha1.LLMBackendSpec) {
	s.Probe.Authorization = llmv1alpha1.ProbeAuthorization{
		SecretKeyRef: llmv1alpha1.SecretKeyReference{Name: "openai", Key: "api-key"},
	}
}

// A key is replaced while the operator runs, and is seen nowhere, whatever servers make of it.
func TestCredentialIsRotatedAndNeverShown(t *testing.T) {
	const first, second = "sk-first-4f1d8c", "sk-second-b07a2e"
	w := newWorld(t)
	var mu sync.Mutex
	var logged strings.Builder
	w.logger = funcr.NewJSON(func(line string) {
		mu.Lock()
		defer mu.Unlock()
		logged.WriteString(line + "\n")
	}, funcr.Options{Verbosity: 10})
	server := &keyed{key: first}
	echo := http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		conn, _, err := http.NewResponseController(rw).Hijack()
		if err == nil {
			_, _ = fmt.Fprintf(conn, "%s\r\n\r\n", req.Header.Get("Authorization"))
			_ = conn.Close()
		}
	})
	w.putSecret("openai", map[string]string{"api-key": first})
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", w.serveHTTP(0, server)).secondary("eu-west", w.serveHTTP(1, echo)).
		edit(authorized, func(s *llmv1alpha1.LLMBackendSpec) {
			s.Breaker.Rules = []llmv1alpha1.OutcomeRule{{
				Match:   llmv1alpha1.OutcomeMatch{Header: llmv1alpha1.HeaderMatch{Name: "x-echo", Value: "nothing"}},
				Outcome: llmv1alpha1.OutcomeFailure,
			}}
		}).obj())
	w.awaitOpen("chat", "eu-west")

	server.set(second)
	w.awaitCondition("chat", "ProbeInconclusive=True BadCredentials")
	w.changeSecret("openai", func(s *corev1.Secret) { s.Data["api-key"] = []byte(second) })
	w.await("chat", "no longer in doubt", func(b *llmv1alpha1.LLMBackend) bool {
		return !hasReason(b, llmv1alpha1.ConditionProbeInconclusive, llmv1alpha1.ReasonBadCredentials)
	})
	w.stop()

	mu.Lock()
	seen := map[string]string{"log": logged.String(), "metrics": gathered(t), "objects": w.everything()}
	mu.Unlock()
	for where, text := range seen {
		if text == "" {
			t.Errorf("nothing was found in the %s", where)
		}
		for _, secret := range []string{first, second} {
			if strings.Contains(text, secret) {
				t.Errorf("the key is in the %s", where)
			}
		}
	}
}

// gathered returns all metrics of the process.
func gathered(t *testing.T) string {
	t.Helper()
	families, err := metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(families)
}

// everything returns all that the operator writes, in JSON.
func (w *world) everything() string {
	w.t.Helper()
	var all strings.Builder
	for _, list := range []client.ObjectList{
		&llmv1alpha1.LLMBackendList{}, &corev1.ServiceList{}, &discoveryv1.EndpointSliceList{}, &eventsv1.EventList{},
	} {
		if err := w.client.List(w.ctx, list, client.InNamespace(w.ns)); err != nil {
			w.t.Fatal(err)
		}
		text, err := json.Marshal(list)
		if err != nil {
			w.t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// Without a credential nothing is asked, and the condition says what is missing until it is there.
func TestMissingCredential(t *testing.T) {
	w := newWorld(t)
	server := &keyed{key: "sk-1"}
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", w.serveHTTP(0, server)).edit(authorized).obj())
	awaitProblem := func(text string) {
		t.Helper()
		w.await("chat", "in doubt: "+text, func(b *llmv1alpha1.LLMBackend) bool {
			for _, c := range b.Status.Conditions {
				if c.Reason == llmv1alpha1.ReasonCredentialsUnreadable {
					return strings.Contains(c.Message, text)
				}
			}
			return false
		})
	}
	awaitProblem("Secret openai does not exist")
	w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{}, StringData: map[string]string{"token": "sk-1"}}, "openai", w.ns)
	awaitProblem("Secret openai may not be used")
	w.changeSecret("openai", func(s *corev1.Secret) {
		s.Annotations = map[string]string{llmv1alpha1.AllowProbesAnnotation: "true"}
	})
	awaitProblem("nothing under the key api-key")
	w.changeSecret("openai", func(s *corev1.Secret) { s.Data["api-key"] = []byte("sk-1") })
	b := w.await("chat", "no longer in doubt", func(b *llmv1alpha1.LLMBackend) bool {
		return !hasReason(b, llmv1alpha1.ConditionProbeInconclusive, llmv1alpha1.ReasonCredentialsUnreadable)
	})
	w.wantHistory(b)
}
