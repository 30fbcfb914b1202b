// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// reporter sends outcomes about LLMBackend apps/chat with a token.
type reporter struct {
	t      *testing.T
	client *http.Client
}

func newReporter(t *testing.T) *reporter {
	t.Helper()
	return &reporter{t, &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}}}
}

// send returns the status of the answer; 0 if there is none.
func (r *reporter) send(addr, token, outcome string) int {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost,
		"https://"+addr+"/apis/llm.breakwater.dev/v1alpha1/namespaces/apps/llmbackends/chat/outcomes",
		strings.NewReader(`{"outcomes":[`+outcome+`]}`))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := r.client.Do(request)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

func (r *reporter) await(want int, addr, token, outcome string) {
	r.t.Helper()
	eventually(r.t, fmt.Sprintf("%s answers %d", addr, want), func() error {
		if got := r.send(addr, token, outcome); got != want {
			return fmt.Errorf("%d", got)
		}
		return nil
	})
}

// awaitOutcomes waits until the Service for outcomes leads to one of the addresses, and returns which.
func (c *cluster) awaitOutcomes(t *testing.T, addrs ...string) string {
	t.Helper()
	var to string
	eventually(t, "the Service for outcomes leads to one of "+strings.Join(addrs, ", "), func() error {
		slice := &discoveryv1.EndpointSlice{}
		if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: operatorNamespace, Name: "breakwater-outcomes-breakwater-ipv4"}, slice); err != nil {
			return err
		}
		to = fmt.Sprintf("%s:%d", slice.Endpoints[0].Addresses[0], *slice.Ports[0].Port)
		if !slices.Contains(addrs, to) {
			return fmt.Errorf("it leads to %s", to)
		}
		return nil
	})
	return to
}

// TestOutcomes has a gateway report to two operators that run with no more than what is installed. One of them takes
// what is reported, the other says that it does not lead. What is reported opens a breaker, and moves nothing by itself.
func TestOutcomes(t *testing.T) {
	c := newCluster(t)
	c.kubectl(t, "apply", "--server-side", "-k", withComponent(t, "default", "outcomes"))
	c.createNamespace(t, "apps")
	for _, account := range []string{"gateway", "visitor"} {
		c.kubectl(t, "create", "serviceaccount", account, "--namespace=apps")
	}
	c.kubectl(t, "create", "rolebinding", "gateway", "--namespace=apps", "--clusterrole=breakwater-outcome-reporter", "--serviceaccount=apps:gateway")
	token := func(account string, flags ...string) string {
		return strings.TrimSpace(c.kubectl(t, append([]string{"create", "token", account, "--namespace=apps"}, flags...)...))
	}
	gateway, visitor := token("gateway", "--audience=llm.breakwater.dev"), token("visitor", "--audience=llm.breakwater.dev")
	primary, secondary := region(t, "10.6.0.1:8000"), region(t, "10.6.0.2:8000")
	if err := secondary.Set(lab.Status(503)); err != nil {
		t.Fatal(err)
	}
	if err := c.client.Create(t.Context(), backend("apps", primary.URL(), secondary.URL())); err != nil {
		t.Fatal(err)
	}

	began, operators := time.Now(), map[string]*operator{}
	for _, addr := range []string{"10.6.0.11", "10.6.0.12"} {
		operators[addr+":9443"] = c.start(t, "operator-"+addr, "--leader-election-lease-duration=4s", "--leader-election-renew-deadline=3s",
			"--leader-election-retry-period=500ms", "--outcomes-bind-address="+addr+":9443", "--outcomes-address="+addr,
			"--outcomes-service="+operatorNamespace+"/breakwater-outcomes")
	}
	c.awaitReady(t, "apps", "us-east")
	leader := c.awaitOutcomes(t, "10.6.0.11:9443", "10.6.0.12:9443")
	other := map[string]string{"10.6.0.11:9443": "10.6.0.12:9443", "10.6.0.12:9443": "10.6.0.11:9443"}[leader]

	r := newReporter(t)
	healthy := `{"region":"eu-west","status":200,"times":50}`
	r.await(http.StatusMisdirectedRequest, other, gateway, healthy)
	r.await(http.StatusForbidden, leader, visitor, healthy)
	r.await(http.StatusUnauthorized, leader, token("gateway"), healthy)
	r.await(http.StatusAccepted, leader, gateway, `{"region":"us-east","status":429,"retryAfter":"3600"}`)
	b := &llmv1alpha1.LLMBackend{}
	eventually(t, "the breaker of us-east is opened by real traffic", func() error {
		if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: "apps", Name: "chat"}, b); err != nil {
			return err
		}
		if s := b.Status.Regions[0].Breaker; s.State != llmv1alpha1.BreakerOpen || s.OpenedBy != "Traffic" {
			return fmt.Errorf("breaker %+v", s)
		}
		return nil
	})
	r.await(http.StatusAccepted, leader, gateway, healthy)
	if err := c.client.Get(t.Context(), client.ObjectKeyFromObject(b), b); err != nil {
		t.Fatal(err)
	}
	if b.Status.ActiveRegion != "us-east" {
		t.Errorf("active region %s, want us-east: only a probe is evidence", b.Status.ActiveRegion)
	}
	if err := secondary.Set(lab.Healthy()); err != nil {
		t.Fatal(err)
	}
	c.awaitReady(t, "apps", "eu-west")

	if err := operators[leader].Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.awaitOutcomes(t, other)
	r.await(http.StatusAccepted, other, gateway, healthy)
	for _, e := range c.requests(t, began, forbidden) {
		t.Errorf("refused: %+v", e)
	}
}
