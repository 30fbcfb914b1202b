// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Command demo shows a failover, a failback and a reset on a real API server,
// step by step, and what a client behind a real kube-proxy sees of them. It exits
// 1 if one of them does not happen.
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
	missing := lab.MissingForCluster(ctx)
	if missing == nil {
		s.tellf("start", "a control plane, a node with kube-proxy and three regions, each in a network of its own")
	} else {
		s.tellf("start", "etcd and kube-apiserver; without kube-proxy and clients, because")
		s.tellf("", "%s", missing)
	}
	s.playground, err = playground.Start(ctx, missing)
	defer func() { err = errors.Join(err, s.playground.Stop(context.WithoutCancel(ctx))) }()
	if err != nil {
		return err
	}
	if err := s.play(ctx); err != nil {
		return fmt.Errorf("%w%s", err, s.evidence(ctx))
	}
	return nil
}
