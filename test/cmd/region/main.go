// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Command region is a small OpenAI-compatible model server that misbehaves on
// demand, and the command that tells it to.
//
//	region --name us-east --listen 10.1.0.10:8000 --admin 10.1.0.10:9000
//
// serves. With BREAKWATER_REGIONS, a list such as "us-east=10.1.0.10:9000",
// set, as the lab sets it,
//
//	region                          shows what every region does
//	region us-east status 503       breaks one
//	region us-east healthy          heals it
//
// controls those that run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/breakwater-dev/breakwater/test/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "region:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	flags := flag.NewFlagSet("region", flag.ExitOnError)
	name := flags.String("name", "", "name that answers carry")
	listen := flags.String("listen", "", "address to serve clients on, such as 10.1.0.10:8000; without it, region controls others")
	admin := flags.String("admin", "", "address to be controlled on")
	flags.Usage = func() {
		_, _ = fmt.Fprint(flags.Output(), usage())
		flags.PrintDefaults()
	}
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	if *listen == "" {
		return control(ctx, os.Stdout, os.Getenv(regionsVariable), flags.Args())
	}
	return serve(ctx, *name, *listen, *admin)
}

// serve runs a region until ctx ends.
func serve(ctx context.Context, name, listen, admin string) error {
	if name == "" || admin == "" {
		return errors.New("--listen needs --name and --admin too")
	}
	region, err := lab.NewRegion(listen, lab.WithName(name))
	if err != nil {
		return err
	}
	defer region.Close()
	server := &http.Server{Addr: admin, Handler: region.Admin(), ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
