// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// Who the installed operator is.
const (
	operatorNamespace = "breakwater-system"
	operatorUser      = "system:serviceaccount:breakwater-system:breakwater-manager"
)

// operatorGroups are those of every ServiceAccount.
var operatorGroups = []string{"system:serviceaccounts", "system:serviceaccounts:" + operatorNamespace}

// patience is how long a test waits for what must happen. It is no assertion about speed.
const patience = time.Minute

// cluster is an API server and an administrator's access to it.
type cluster struct {
	controlPlane *lab.ControlPlane
	client       client.WithWatch
	dir          string
}

// startCluster starts an empty cluster. It checks owner references as strictly as some distributions do.
func startCluster(ctx context.Context, dir string) (*cluster, error) {
	controlPlane, err := lab.StartControlPlane(ctx, lab.WithAuditLog(), lab.WithAdmissionPlugins("OwnerReferencesPermissionEnforcement"))
	if err != nil {
		return nil, err
	}
	c := &cluster{controlPlane: controlPlane, dir: dir}
	scheme, err := newScheme()
	if err == nil {
		c.client, err = client.NewWithWatch(controlPlane.Config, client.Options{Scheme: scheme})
	}
	if err != nil {
		return nil, errors.Join(err, controlPlane.Stop())
	}
	return c, nil
}

// newCluster starts an empty cluster of a test's own.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c, err := startCluster(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.controlPlane.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	return scheme, errors.Join(clientgoscheme.AddToScheme(scheme), apiextensionsv1.AddToScheme(scheme), llmv1alpha1.AddToScheme(scheme))
}

// apply installs a folder as the documents say.
func (c *cluster) apply(ctx context.Context, folder string) error {
	_, err := c.controlPlane.Kubectl(ctx, "apply", "--server-side", "-k", inRepository(folder))
	return err
}

// kubectl runs kubectl as an administrator.
func (c *cluster) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.controlPlane.Kubectl(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// helm runs Helm as an administrator, with nothing of the caller's own settings.
func (c *cluster) helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), inRepository("bin/helm"), args...)
	home := filepath.Join(c.dir, "helm")
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.controlPlane.Kubeconfig(),
		"HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("helm %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

func (c *cluster) mustHelm(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.helm(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// as returns a client of a user whom RBAC decides about.
func (c *cluster) as(t *testing.T, user string, groups ...string) client.WithWatch {
	t.Helper()
	config, err := c.controlPlane.UserConfig(user, groups...)
	if err != nil {
		t.Fatal(err)
	}
	scheme, err := newScheme()
	if err != nil {
		t.Fatal(err)
	}
	as, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return as
}

// eventually waits until try succeeds.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s: not within %s: %v", what, patience, err)
		case <-tick.C:
		}
	}
}
