// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/probe"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// server is an API server that holds a few objects. It takes its time, if it is to.
type server struct {
	mu      sync.Mutex
	objects map[string]client.Object // by kind and name
	err     error
	delay   time.Duration
	gets    int
}

func (s *server) Get(ctx context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	s.mu.Lock()
	s.gets++
	delay, err := s.delay, s.err
	s.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch into := into.(type) {
	case *corev1.Secret:
		if o, ok := s.objects["Secret "+key.Namespace+"/"+key.Name].(*corev1.Secret); ok {
			o.DeepCopyInto(into)
			return nil
		}
	case *corev1.ConfigMap:
		if o, ok := s.objects["ConfigMap "+key.Namespace+"/"+key.Name].(*corev1.ConfigMap); ok {
			o.DeepCopyInto(into)
			return nil
		}
	}
	return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
}

func (s *server) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.New("nothing is ever listed")
}

func (s *server) set(change func(*server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gets
}

func allowed(data map[string]string) *corev1.Secret {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{llmv1alpha1.AllowProbesAnnotation: "true"}},
		Data:       map[string][]byte{},
	}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	return secret
}

const named = "Secret apps/openai"

func key() translate.Credentials {
	return translate.Credentials{Namespace: "apps", Header: "Authorization", Secret: "openai", Key: "api-key"}
}

// pair returns a certificate and its key in PEM.
func pair(t *testing.T) (certificate, private string) {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{SerialNumber: big.NewInt(1)}, &priv.PublicKey, priv)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
}

func TestRead(t *testing.T) {
	certificate, private := pair(t)
	forbidden := apierrors.NewForbidden(schema.GroupResource{}, "openai", nil)
	refused := allowed(map[string]string{"api-key": "sk-1"})
	refused.Annotations = nil
	ca := translate.Credentials{Namespace: "apps", CAKind: "ConfigMap", CA: "our-ca"}
	for name, tc := range map[string]struct {
		of      translate.Credentials
		objects map[string]client.Object
		err     error
		value   probe.Secret
		problem string
	}{
		"bearer":         {key(), map[string]client.Object{named: allowed(map[string]string{"api-key": "sk-1\n"})}, nil, "Bearer sk-1", ""},
		"other header":   {translate.Credentials{Namespace: "apps", Header: "api-key", Secret: "openai", Key: "api-key"}, map[string]client.Object{named: allowed(map[string]string{"api-key": "sk-1"})}, nil, "sk-1", ""},
		"no Secret":      {key(), nil, nil, "", "Secret openai does not exist in namespace apps"},
		"not allowed":    {key(), map[string]client.Object{named: refused}, nil, "", "Secret openai may not be used: give it the annotation llm.breakwater.dev/allow-probes"},
		"no key":         {key(), map[string]client.Object{named: allowed(map[string]string{"token": "sk-1"})}, nil, "", "has nothing under the key api-key"},
		"two lines":      {key(), map[string]client.Object{named: allowed(map[string]string{"api-key": "sk-1\r\nHost: x"})}, nil, "", "cannot be sent in a header"},
		"not ASCII":      {key(), map[string]client.Object{named: allowed(map[string]string{"api-key": "schlüssel"})}, nil, "", "cannot be sent in a header"},
		"too long":       {key(), map[string]client.Object{named: allowed(map[string]string{"api-key": strings.Repeat("x", 9000)})}, nil, "", "cannot be sent in a header"},
		"forbidden":      {key(), nil, forbidden, "", "the operator may not read Secret openai"},
		"no answer":      {key(), nil, errors.New("connection refused: secret words"), "", "Secret openai: the API server does not answer"},
		"no ConfigMap":   {ca, nil, nil, "", "ConfigMap our-ca does not exist"},
		"no PEM":         {ca, map[string]client.Object{"ConfigMap apps/our-ca": &corev1.ConfigMap{Data: map[string]string{"ca.crt": "x"}}}, nil, "", "ConfigMap our-ca has no certificate under the key ca.crt"},
		"CA":             {ca, map[string]client.Object{"ConfigMap apps/our-ca": &corev1.ConfigMap{Data: map[string]string{"ca.crt": certificate}}}, nil, "", ""},
		"CA in Secret":   {translate.Credentials{Namespace: "apps", CAKind: "Secret", CA: "openai"}, map[string]client.Object{named: allowed(map[string]string{"ca.crt": certificate})}, nil, "", ""},
		"CA not allowed": {translate.Credentials{Namespace: "apps", CAKind: "Secret", CA: "openai"}, map[string]client.Object{named: refused}, nil, "", "may not be used"},
		"certificate":    {translate.Credentials{Namespace: "apps", ClientCertificate: "openai"}, map[string]client.Object{named: allowed(map[string]string{"tls.crt": certificate, "tls.key": private})}, nil, "", ""},
		"half a pair":    {translate.Credentials{Namespace: "apps", ClientCertificate: "openai"}, map[string]client.Object{named: allowed(map[string]string{"tls.crt": certificate})}, nil, "", "has no certificate with its key"},
	} {
		t.Run(name, func(t *testing.T) {
			store := NewStore(&server{objects: tc.objects, err: tc.err}, Options{})
			defer store.Close()
			source := store.Source(tc.of)
			c, err := source.Credentials(t.Context())
			if c.Value != tc.value {
				t.Errorf("value %q, want %q", string(c.Value), string(tc.value))
			}
			if problem := source.Problem(); (problem == "") != (tc.problem == "") || !strings.Contains(problem, tc.problem) || (err == nil) != (problem == "") {
				t.Errorf("problem %q (error %v), want one with %q", problem, err, tc.problem)
			}
			if strings.Contains(source.Problem(), "sk-1") || strings.Contains(source.Problem(), "secret words") {
				t.Errorf("the problem tells too much: %s", source.Problem())
			}
			if (tc.of.CA != "") != (c.RootCAs != nil) && tc.problem == "" || (tc.of.ClientCertificate != "") != (c.Certificate != nil) && tc.problem == "" {
				t.Errorf("credentials %v", c)
			}
		})
	}
}

func TestNothingToRead(t *testing.T) {
	if s := NewStore(&server{}, Options{}).Source(translate.Credentials{Namespace: "apps"}); s != nil {
		t.Errorf("source %v for nothing", s)
	}
}

// A value is read once, again when it is old, soon when it was refused, and never by a probe that waits for it.
func TestRereading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &server{objects: map[string]client.Object{named: allowed(map[string]string{"api-key": "old"})}, delay: time.Second}
		store := NewStore(api, Options{})
		defer store.Close()
		source := store.Source(key())
		get := func(after time.Duration) string {
			time.Sleep(after)
			start := time.Now()
			c, err := source.Credentials(t.Context())
			if took := time.Since(start); err != nil || took > 0 && api.count() > 1 {
				t.Errorf("after %s, error %v", took, err)
			}
			return string(c.Value)
		}
		want := func(what, got, value string, gets int) {
			t.Helper()
			if got != value || api.count() != gets {
				t.Errorf("%s: %q after %d readings, want %q after %d", what, got, api.count(), value, gets)
			}
		}
		want("first", get(0), "Bearer old", 1)
		api.set(func(s *server) { s.objects[named] = allowed(map[string]string{"api-key": "new"}) })
		want("young", get(DefaultTTL-2*time.Second), "Bearer old", 1)
		get(2 * time.Second)
		want("old", get(2*time.Second), "Bearer new", 2)

		api.set(func(s *server) { s.objects[named] = allowed(map[string]string{"api-key": "newest"}) })
		source.Refused()
		want("refused", get(DefaultRetry-3*time.Second), "Bearer new", 2)
		get(3 * time.Second)
		want("refused and read", get(2*time.Second), "Bearer newest", 3)
		want("not refused since", get(2*DefaultRetry), "Bearer newest", 3)

		api.set(func(s *server) { s.err = errors.New("down") })
		get(DefaultTTL)
		want("without an API server", get(2*time.Second), "Bearer newest", 4)
	})
}

// What is gone is used no more.
func TestDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &server{objects: map[string]client.Object{named: allowed(map[string]string{"api-key": "old"})}}
		store := NewStore(api, Options{})
		defer store.Close()
		source := store.Source(key())
		_, before := source.Credentials(t.Context())
		api.set(func(s *server) { s.objects = nil })
		time.Sleep(DefaultTTL)
		_, _ = source.Credentials(t.Context())
		synctest.Wait()
		c, after := source.Credentials(t.Context())
		if before != nil || after == nil || c.Value != "" {
			t.Errorf("errors %v and %v", before, after)
		}
	})
}

// A probe does not wait longer than it has time.
func TestSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := NewStore(&server{delay: time.Hour}, Options{})
		defer store.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := store.Source(key()).Credentials(ctx)
		if took := time.Since(start); !errors.Is(err, errNotRead) || took != time.Second {
			t.Errorf("error %v after %s", err, took)
		}
	})
}
