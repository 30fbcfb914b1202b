// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/breakwater-dev/breakwater/test/cmd/internal/playground"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// welcome has two arguments: what there is to do with a client, and the
// operator's log.
const welcome = `
This shell talks to a Kubernetes of its own. Things to try:

  kubectl get llmb -w                     watch the LLMBackend "chat"; leave & with Ctrl-C
  kubectl breakwater status chat -w       the same as a picture, and what happens next
  kubectl describe llmb chat              status, history and events
  kubectl get endpointslices              where the Service "chat" sends its clients
  region                                  what the three regions do
  region us-east status 503               break the primary
  region us-east healthy                  heal it
  region -h                               more ways to misbehave; silent cuts it off
  kubectl annotate llmb chat --overwrite llm.breakwater.dev/reset=$(date +%%s)
                                          back to the primary at once
%s
The operator logs to %s
Leave with exit or Ctrl-D: that ends everything.

`

// withClient has two arguments: the log of a client's calls, and the URL that it calls.
const withClient = `
A client on this node calls the Service ten times a second:

  tail -f %s     who answered, each second
  curl %s/v1/models           be a client yourself: this shell is on the node, too
`

// withoutClient has one argument: what is missing.
const withoutClient = `
There is no kube-proxy here, and no client: %s
`

// runShell runs the person's shell until it ends. How it ends is no failure:
// a shell exits with the code of its last command.
func runShell(ctx context.Context, p *playground.Playground, in io.Reader, out io.Writer) error {
	root, err := lab.RepositoryRoot()
	if err != nil {
		return err
	}
	path := []string{filepath.Join(root, "bin"), filepath.Dir(p.ControlPlane.KubectlPath()), os.Getenv("PATH")}
	shell := exec.CommandContext(ctx, shellProgram())
	shell.Stdin, shell.Stdout, shell.Stderr = in, out, os.Stderr
	shell.Env = append(os.Environ(),
		"KUBECONFIG="+p.ControlPlane.Kubeconfig(),
		"KUBECACHEDIR="+filepath.Join(os.TempDir(), "kubectl-cache"),
		"BREAKWATER_REGIONS="+playground.AdminEndpoints(),
		"PATH="+strings.Join(path, string(os.PathListSeparator)),
	)
	// An interactive shell ignores SIGTERM.
	shell.Cancel = func() error { return shell.Process.Signal(syscall.SIGHUP) }
	shell.WaitDelay = 5 * time.Second
	if err := p.StartShell(shell); err != nil {
		return fmt.Errorf("running the shell %s: %w", shell.Path, err)
	}
	_ = shell.Wait()
	return nil
}

// shellProgram is the person's shell, or one that is there.
func shellProgram() string {
	for _, shell := range []string{os.Getenv("SHELL"), "bash"} {
		if path, err := exec.LookPath(shell); err == nil {
			return path
		}
	}
	return "/bin/sh"
}
