// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-dev/breakwater/test/lab"
)

// A user with the shipped editor role, and no other, applies the samples and
// follows them with kubectl.
func TestEditorAppliesSamples(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kubectl("create", "rolebinding", "editors", "-n", w.ns, "--clusterrole=breakwater-llmbackend-editor", "--user=erin")
	erin := w.as("erin")
	erin.want(t, "created", "apply", "-k", filepath.Join(root, "config", "samples"))
	erin.want(t, "unchanged", "apply", "-k", filepath.Join(root, "config", "samples"))
	// First publication needs no answer: the samples' regions are nowhere here.
	erin.want(t, "condition met", "wait", "--for=condition=Published", "--timeout=60s", "llmb/chat", "llmb/embeddings")
	erin.want(t, "us-east", "get", "llmb")

	erin.wantRefused(t, "get", "services")
	erin.wantRefused(t, "get", "endpointslices")
	erin.wantRefused(t, "patch", "llmb", "chat", "--subresource=status", "--type=merge", "-p", `{"status":{"activeRegion":"x"}}`)

	erin.want(t, "deleted", "delete", "llmb", "chat", "embeddings")
}

// kubectl wait and kubectl get -w show a failover as it happens.
func TestKubectlFollows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.kubectl("create", "rolebinding", "viewers", "-n", w.ns, "--clusterrole=breakwater-llmbackend-viewer", "--user=vera")
	vera := w.as("vera")
	east := serving(w)
	vera.want(t, "condition met", "wait", "--for=condition=Ready", "--timeout=60s", "llmb/"+name)

	output := filepath.Join(t.TempDir(), "watch")
	watch, err := lab.StartProcess("kubectl get -w", output, cluster.ControlPlane.KubectlPath(),
		vera.args("get", "llmb", name, "-w")...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = watch.Kill() })
	w.eventually("kubectl get -w shows the primary", func() bool { return strings.Contains(watch.Tail(1), primary) })
	set(t, east, lab.Status(503))
	vera.want(t, "condition met", "wait", "--for=jsonpath={.status.activeRegion}="+secondary, "--timeout=60s", "llmb/"+name)
	vera.want(t, "condition met", "wait", "--for=condition=FailedOver", "--timeout=60s", "llmb/"+name)
	w.eventually("kubectl get -w shows the failover", func() bool {
		fields := strings.Fields(watch.Tail(1))
		return len(fields) > 3 && fields[1] == secondary && fields[3] == "True"
	})
}

// user runs kubectl in a world as somebody with no rights but those bound there.
type user struct{ world, kubeconfig string }

func (w *world) as(name string) user {
	w.t.Helper()
	kubeconfig, err := cluster.ControlPlane.UserKubeconfig(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return user{w.ns, kubeconfig}
}

func (u user) args(args ...string) []string {
	return append([]string{"--kubeconfig=" + u.kubeconfig, "--namespace=" + u.world}, args...)
}

func (u user) kubectl(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, cluster.ControlPlane.KubectlPath(), u.args(args...)...).CombinedOutput()
	return string(out), err
}

// want runs a command that is to succeed and to print something.
func (u user) want(t *testing.T, want string, args ...string) {
	t.Helper()
	out, err := u.kubectl(t.Context(), args...)
	if err != nil || !strings.Contains(out, want) {
		t.Errorf("kubectl %s: %v, %s; want %q", strings.Join(args, " "), err, out, want)
	}
}

// wantRefused runs a command that the user has no right to.
func (u user) wantRefused(t *testing.T, args ...string) {
	t.Helper()
	out, err := u.kubectl(t.Context(), args...)
	if err == nil || !strings.Contains(out, "Forbidden") {
		t.Errorf("kubectl %s: %v, %s; want Forbidden", strings.Join(args, " "), err, out)
	}
}
