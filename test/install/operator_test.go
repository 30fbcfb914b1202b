// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// operator is a running bin/manager.
type operator struct {
	*lab.Process
	health string // address of its health endpoint
}

// start starts an operator as its ServiceAccount, with the flags of the installed Deployment and more.
func (c *cluster) start(t *testing.T, name string, flags ...string) *operator {
	t.Helper()
	kubeconfig, err := c.controlPlane.UserKubeconfig(operatorUser, operatorGroups...)
	if err != nil {
		t.Fatal(err)
	}
	o := &operator{health: net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))}
	flags = append([]string{"--kubeconfig=" + kubeconfig, "--leader-election-namespace=" + operatorNamespace,
		"--health-probe-bind-address=" + o.health}, flags...)
	o.Process, err = lab.StartProcess(name, filepath.Join(t.TempDir(), name+".log"), inRepository("bin/manager"), flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		select {
		case <-o.Done(): // as the test wanted
		default:
			ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
			defer cancel()
			if err := o.Stop(ctx); err != nil {
				t.Error(err)
			}
		}
		if t.Failed() {
			t.Logf("%s ended with:\n%s", name, o.Tail(20))
		}
	})
	return o
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

// get asks the health endpoint, and returns an error unless it says ok.
func (o *operator) get(t *testing.T, path string) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+o.health+path, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %s: %s", path, answer.Status, body)
}

func (c *cluster) createNamespace(t *testing.T, name string) {
	t.Helper()
	if err := c.client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
		t.Fatal(err)
	}
}

// backend returns an LLMBackend chat that is quick to decide.
func backend(namespace, primary, secondary string) *llmv1alpha1.LLMBackend {
	b := &llmv1alpha1.LLMBackend{}
	b.Namespace, b.Name = namespace, "chat"
	b.Spec = llmv1alpha1.LLMBackendSpec{
		Primary:     llmv1alpha1.Region{Name: "us-east", Endpoint: llmv1alpha1.Endpoint{URL: primary}},
		Secondaries: []llmv1alpha1.Region{{Name: "eu-west", Endpoint: llmv1alpha1.Endpoint{URL: secondary}}},
		Probe:       llmv1alpha1.ProbeSpec{Period: "1s", SuspectPeriod: "100ms", Timeout: "1s"},
		Breaker:     llmv1alpha1.BreakerSpec{FailureThreshold: 3, OpenDuration: "1h"},
	}
	return b
}

// region starts a healthy region.
func region(t *testing.T, address string) *lab.Region {
	t.Helper()
	r, err := lab.NewRegion(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// awaitReady waits until the region is active, published and answers.
func (c *cluster) awaitReady(t *testing.T, namespace, active string) *llmv1alpha1.LLMBackend {
	t.Helper()
	b := &llmv1alpha1.LLMBackend{}
	eventually(t, "LLMBackend ready with "+active, func() error {
		if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "chat"}, b); err != nil {
			return err
		}
		if b.Status.ActiveRegion != active || !meta.IsStatusConditionTrue(b.Status.Conditions, llmv1alpha1.ConditionReady) {
			return fmt.Errorf("active region %q, conditions %v", b.Status.ActiveRegion, b.Status.Conditions)
		}
		return nil
	})
	return b
}

// slice returns the IPv4 slice of Service chat.
func (c *cluster) slice(t *testing.T, namespace string) *discoveryv1.EndpointSlice {
	t.Helper()
	slice := &discoveryv1.EndpointSlice{}
	if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "chat-breakwater-ipv4"}, slice); err != nil {
		t.Fatal(err)
	}
	return slice
}

// requests returns what the operator has asked the API server for since then.
func (c *cluster) requests(t *testing.T, since time.Time, keep func(lab.AuditEvent) bool) []lab.AuditEvent {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	asked, err := c.controlPlane.Audit(ctx, func(e lab.AuditEvent) bool {
		return e.User == operatorUser && !e.Received.Before(since) && keep(e)
	})
	if err != nil {
		t.Fatal(err)
	}
	return asked
}

// forbidden says whether RBAC or a policy refused a request.
func forbidden(e lab.AuditEvent) bool {
	return e.Code == http.StatusForbidden || e.Code == http.StatusUnprocessableEntity
}
