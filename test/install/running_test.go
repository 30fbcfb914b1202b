// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// TestOperatorWithItsPermissions runs the operator with no more than what is installed, policies and strict owner
// references included, and has it do all that it does: create, move, repair.
func TestOperatorWithItsPermissions(t *testing.T) {
	const namespace = "running"
	installed.createNamespace(t, namespace)
	installed.awaitPolicies(t, installed.as(t, operatorUser, operatorGroups...), namespace)
	started := time.Now()
	installed.runThroughFailover(t, namespace, "10.3.0")
	for _, e := range installed.requests(t, started, func(e lab.AuditEvent) bool { return forbidden(e) }) {
		t.Errorf("refused: %+v", e)
	}
}

// runThroughFailover starts an operator and breaks a region and a slice.
func (c *cluster) runThroughFailover(t *testing.T, namespace, network string, flags ...string) {
	t.Helper()
	primary, secondary := region(t, network+".1:8000"), region(t, network+".2:8000")
	if err := c.client.Create(t.Context(), backend(namespace, primary.URL(), secondary.URL())); err != nil {
		t.Fatal(err)
	}
	o := c.start(t, "operator", append([]string{"--leader-elect=false"}, flags...)...)
	c.awaitReady(t, namespace, "us-east")
	if err := primary.Set(lab.Status(503)); err != nil {
		t.Fatal(err)
	}
	c.awaitReady(t, namespace, "eu-west")

	edited := c.slice(t, namespace)
	owner := metav1.GetControllerOf(edited)
	if owner == nil || owner.BlockOwnerDeletion == nil || !*owner.BlockOwnerDeletion {
		t.Errorf("owner %v, want one that blocks its deletion", owner)
	}
	delete(edited.Labels, discoveryv1.LabelManagedBy)
	if err := c.client.Update(t.Context(), edited); err != nil {
		t.Fatal(err)
	}
	eventually(t, "label repaired", func() error { return labelled(t.Context(), c.client, edited) })
	if err := o.get(t, "/healthz"); err != nil {
		t.Error(err)
	}
	if err := o.get(t, "/readyz"); err != nil {
		t.Error(err)
	}
}

func labelled(ctx context.Context, c client.Client, slice *discoveryv1.EndpointSlice) error {
	if err := c.Get(ctx, client.ObjectKeyFromObject(slice), slice); err != nil {
		return err
	}
	if slice.Labels[discoveryv1.LabelManagedBy] != "llmbackend.breakwater.dev" {
		return errors.New("its label is not repaired")
	}
	return nil
}

// TestNamespaced runs the operator with Roles only: it has to work in its namespace, and ask for nothing else. Who reads
// its metrics has to show a certificate.
func TestNamespaced(t *testing.T) {
	c := newCluster(t)
	c.createNamespace(t, "apps")
	if err := c.apply(t.Context(), "config/namespaced"); err != nil {
		t.Fatal(err)
	}
	manifests := rendered(t, c.kubectl(t, "kustomize", inRepository("config/namespaced")))
	args := deployment(t, manifests).Spec.Template.Spec.Containers[0].Args
	i := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--namespaces=") })
	if i < 0 {
		t.Fatalf("no --namespaces in %v", args)
	}
	c.awaitPolicies(t, c.as(t, operatorUser, operatorGroups...), "apps")
	c.createNamespace(t, "others")
	if err := c.client.Create(t.Context(), backend("others", "http://10.4.0.1:8000", "http://10.4.0.2:8000")); err != nil {
		t.Fatal(err)
	}

	started := time.Now()
	readers, address := newAuthority(t), loopback(t)
	secret := readers.secret(t)
	c.runThroughFailover(t, "apps", "10.4.0", args[i], "--metrics-bind-address="+address, "--metrics-auth=ClientCertificate",
		"--metrics-cert-dir="+secret, "--metrics-client-ca="+secret+"/ca.crt")
	checkCertificates(t, "https://"+address+"/metrics", readers)
	for _, e := range c.requests(t, started, func(e lab.AuditEvent) bool { return e.Resource != "" }) {
		if e.Namespace != "apps" || forbidden(e) {
			t.Errorf("asked outside of its namespace, or refused: %+v", e)
		}
	}
}

// checkCertificates reads metrics with a certificate of the authority, with that of another, and with none.
func checkCertificates(t *testing.T, url string, readers *authority) {
	t.Helper()
	settings := &tls.Config{RootCAs: readers.pool(), Certificates: []tls.Certificate{readers.issue(t, "prometheus")}}
	code, body, err := scrape(t, url, "", settings)
	if err != nil || code != http.StatusOK || !strings.Contains(body, `breakwater_active_region_info{llmbackend="chat"`) {
		t.Errorf("with a certificate: status %d (%v) and %d bytes, want the metrics", code, err, len(body))
	}
	for name, certificates := range map[string][]tls.Certificate{
		"without a certificate": nil, "with one of another authority": {newAuthority(t).issue(t, "prometheus")},
	} {
		settings.Certificates = certificates
		if code, _, err := scrape(t, url, "", settings); err == nil {
			t.Errorf("%s: status %d, want no connection", name, code)
		}
	}
}
