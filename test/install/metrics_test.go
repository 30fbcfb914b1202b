// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// loopback returns a free address on this machine.
func loopback(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
}

// scrape reads metrics as Prometheus would.
func scrape(t *testing.T, url, token string, settings *tls.Config) (code int, body string, err error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: settings, DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := (&http.Client{Transport: transport, Timeout: patience}).Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// token makes a ServiceAccount and returns a token of it.
func (c *cluster) token(t *testing.T, namespace, name string) string {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if err := c.client.Create(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	request := &authenticationv1.TokenRequest{}
	if err := c.client.SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}

// TestMetrics reads the metrics of an operator that has an outage, as one who may and as others, and looks there for
// each metric that the rules and the dashboard name.
func TestMetrics(t *testing.T) {
	const namespace = "measured"
	installed.createNamespace(t, namespace)
	reader, stranger := installed.token(t, namespace, "prometheus"), installed.token(t, namespace, "stranger")
	if err := installed.client.Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "prometheus-breakwater"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "breakwater-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: "prometheus"}},
	}); err != nil {
		t.Fatal(err)
	}
	primary, secondary := region(t, "10.5.0.1:8000"), region(t, "10.5.0.2:8000")
	if err := installed.client.Create(t.Context(), backend(namespace, primary.URL(), secondary.URL())); err != nil {
		t.Fatal(err)
	}
	address := loopback(t)
	url := "https://" + address + "/metrics"
	started := time.Now()
	installed.start(t, "operator", "--metrics-bind-address="+address,
		"--leader-election-lease-duration=4s", "--leader-election-renew-deadline=3s", "--leader-election-retry-period=500ms")
	selfSigned := &tls.Config{InsecureSkipVerify: true}
	eventually(t, "metrics up", func() error {
		_, _, err := scrape(t, url, reader, selfSigned)
		return err
	})
	for name, test := range map[string]struct {
		token string
		want  int
	}{
		"nobody":               {"", http.StatusUnauthorized},
		"a made-up token":      {"eyJhbGciOiJub25lIn0.e30.", http.StatusInternalServerError}, // so says controller-runtime
		"one without the role": {stranger, http.StatusForbidden},
		"one with the role":    {reader, http.StatusOK},
	} {
		code, body, err := scrape(t, url, test.token, selfSigned)
		if err != nil || code != test.want || code != http.StatusOK && strings.Contains(body, "breakwater_") {
			t.Errorf("%s: status %d (%v), want %d", name, code, err, test.want)
		}
	}
	if code, _, err := scrape(t, "http://"+address+"/metrics", reader, nil); err == nil && code == http.StatusOK {
		t.Error("metrics are served without TLS")
	}

	installed.awaitReady(t, namespace, "us-east")
	if err := primary.Set(lab.Status(503)); err != nil {
		t.Fatal(err)
	}
	installed.awaitReady(t, namespace, "eu-west")
	if err := secondary.Set(lab.Status(503)); err != nil {
		t.Fatal(err)
	}
	const of = `{llmbackend="chat",namespace="measured",`
	want := []string{
		`breakwater_active_region_info` + of + `region="eu-west",role="secondary"} 1`,
		`breakwater_breaker_state` + of + `region="us-east"} 1`,
		`breakwater_holding` + of + `reason="NoHealthyRegion"} 1`,
		`breakwater_holds_total` + of + `reason="NoHealthyRegion"} 1`,
		`breakwater_condition` + of + `reason="NoHealthyRegion",status="False",type="Ready"} 1`,
		`breakwater_transitions_total` + of + `reason="BreakerOpen",type="FailedOver"} 1`,
		`breakwater_transition_seq{llmbackend="chat",namespace="measured"} 3`,
		`breakwater_failover_duration_seconds_count 1`,
		`breakwater_decision_duration_seconds_count 1`,
		`breakwater_publish_duration_seconds_count 1`,
	}
	var body string
	eventually(t, "the outage in the metrics", func() (err error) {
		if _, body, err = scrape(t, url, reader, selfSigned); err != nil {
			return err
		}
		for _, line := range want {
			if !strings.Contains(body, "\n"+line+"\n") {
				err = errors.Join(err, fmt.Errorf("no %s", line))
			}
		}
		return err
	})
	checkNamed(t, body)
	for _, e := range installed.requests(t, started, forbidden) {
		t.Errorf("refused: %+v", e)
	}

	gone := backend(namespace, primary.URL(), secondary.URL())
	if err := installed.client.Delete(t.Context(), gone, client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its series gone", func() error {
		_, body, err := scrape(t, url, reader, selfSigned)
		if err == nil && strings.Contains(body, `llmbackend="chat",namespace="measured"`) {
			err = errors.New("there are series of an LLMBackend that is gone")
		}
		return err
	})
}

// metricNames finds the metrics that an expression is about.
var metricNames = regexp.MustCompile(`\b(breakwater|controller_runtime|leader_election)_[a-z_]+\b`)

// checkNamed looks in what an operator serves for each metric that rules and dashboard name.
func checkNamed(t *testing.T, served string) {
	t.Helper()
	for _, file := range []string{"rules.yaml", "dashboard.json"} {
		text, err := os.ReadFile(inRepository("config/components/prometheus/" + file))
		if err != nil {
			t.Fatal(err)
		}
		names := metricNames.FindAllString(string(text), -1)
		slices.Sort(names)
		names = slices.Compact(names)
		if len(names) < 8 {
			t.Errorf("%s names %v only", file, names)
		}
		for _, name := range names {
			if !strings.Contains(served, "\n"+name+"{") && !strings.Contains(served, "\n"+name+" ") {
				t.Errorf("%s names %s, which the operator does not serve", file, name)
			}
		}
	}
}
