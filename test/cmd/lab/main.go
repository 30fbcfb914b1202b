// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Command lab runs what the demo shows, and a shell to play with it in.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/breakwater-dev/breakwater/test/cmd/internal/playground"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// startTimeout bounds the wait for the first publication.
const startTimeout = 30 * time.Second

func main() {
	lab.Enter()
	log.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

// run keeps everything running until the person leaves the shell.
func run(ctx context.Context, in io.Reader, out io.Writer) (err error) {
	missing := lab.MissingForCluster(ctx)
	_, _ = fmt.Fprintln(out, "Starting a control plane, three regions and the operator ...")
	p, err := playground.Start(ctx, missing)
	defer func() { err = errors.Join(err, p.Stop(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	if err := p.StartRegions(ctx); err != nil {
		return err
	}
	if err := p.StartOperator(ctx, "lab-manager.log"); err != nil {
		return err
	}
	if err := p.Apply(ctx); err != nil {
		return err
	}
	// So that plain "kubectl get llmb" shows the sample.
	if _, err := p.ControlPlane.Kubectl(ctx, "config", "set-context", "--current", "--namespace="+playground.Namespace); err != nil {
		return err
	}
	about, finish, err := startClient(ctx, p, out)
	if err != nil {
		return err
	}
	defer finish()
	_, _ = fmt.Fprintf(out, welcome, about, p.Operator.Log())
	return runShell(ctx, p, in, out)
}
