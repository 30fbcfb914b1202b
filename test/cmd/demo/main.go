// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo shows a failover, a failback and a reset on a real API server,
// step by step. It exits 1 if one of them does not happen.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/breakwater-dev/breakwater/test/cmd/internal/playground"
	"github.com/breakwater-dev/breakwater/test/lab"
)

func main() {
	lab.Enter()
	log.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := run(ctx, os.Stdout)
	if ctx.Err() != nil {
		err = errors.New("interrupted; everything is stopped")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		os.Exit(1)
	}
}

// run plays the story and stops everything, whether it succeeds or not.
func run(ctx context.Context, out io.Writer) (err error) {
	s := newStory(out)
	s.tellf("start", "etcd and kube-apiserver, in a network of their own")
	s.playground, err = playground.Start(ctx)
	defer func() { err = errors.Join(err, s.playground.Stop(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	if err := s.play(ctx); err != nil {
		return fmt.Errorf("%w%s", err, s.evidence(ctx))
	}
	return nil
}
