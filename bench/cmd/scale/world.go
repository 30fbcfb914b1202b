// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/bench/internal/regions"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// The operator runs as the user that its manifests give rights to, with addresses in a network of its own.
const (
	operatorNamespace = "breakwater-system"
	operatorUser      = "system:serviceaccount:breakwater-system:breakwater-manager"
	bareNamespace     = "bench-bare" // of what only the bare client writes
	regionPort        = 8000
)

// The networks of the regions, of those that the lab's network has.
var (
	primaryNetwork   = netip.MustParsePrefix("10.1.0.0/16")
	secondaryNetwork = netip.MustParsePrefix("10.2.0.0/16")
)

// progressInterval is how often is told how far a phase has come.
const progressInterval = 5 * time.Second

// world is everything that runs.
type world struct {
	options
	began     time.Time
	root, dir string
	control   control
	client    client.WithWatch // of an administrator
	regions   *regions.Server
	operators []operator // none while they do not run
	watcher   *watcher
}

// start starts everything but the operator. The caller stops the world, also after an error.
func start(ctx context.Context, o options) (*world, error) {
	w := &world{options: o, began: time.Now()}
	w.progressf("start the API server")
	return w, w.start(ctx)
}

func (w *world) start(ctx context.Context) (err error) {
	if w.root, err = lab.RepositoryRoot(); err != nil {
		return err
	}
	if w.dir, err = os.MkdirTemp("", "scale-"); err != nil {
		return err
	}
	if w.regions, err = regions.Listen(fmt.Sprintf("0.0.0.0:%d", regionPort)); err != nil {
		return err
	}
	if w.control, err = startControl(ctx, w.options, w.root, w.dir); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), llmv1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	w.client, err = client.NewWithWatch(w.control.config(), client.Options{Scheme: scheme})
	return err
}

// stop stops everything.
func (w *world) stop() error {
	err := w.stopOperators(context.Background())
	if w.watcher != nil {
		w.watcher.stop()
	}
	if w.control != nil {
		err = errors.Join(err, w.control.stop())
	}
	if w.regions != nil {
		err = errors.Join(err, w.regions.Close())
	}
	if w.dir != "" {
		err = errors.Join(err, os.RemoveAll(w.dir))
	}
	return err
}

// progressf tells the person who waits what is done now.
func (w *world) progressf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "scale: %6.1f s  %s\n", time.Since(w.began).Seconds(), fmt.Sprintf(format, args...))
}

// countProgress tells the person who waits how many LLMBackends have come so far, until the returned function is called.
func (w *world) countProgress(done func() int) (stop func()) {
	ended := make(chan struct{})
	var counting sync.WaitGroup
	counting.Go(func() {
		ticker := time.NewTicker(progressInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				w.progressf("  %d of %d", done(), w.backends)
			case <-ended:
				return
			}
		}
	})
	return func() {
		close(ended)
		counting.Wait()
	}
}

// profile writes profiles of the first operator into the folder for profiles, if there is one: of CPU and allocations over d,
// and then one of its heap.
func (w *world) profile(ctx context.Context, name string, d time.Duration) error {
	if w.profiles == "" {
		return nil
	}
	during, failed := errgroup.WithContext(ctx)
	for kind, path := range map[string]string{"cpu": "profile", "allocs": "allocs"} {
		during.Go(func() error {
			return w.saveProfile(failed, name+"-"+kind, fmt.Sprintf("%s?seconds=%d", path, int(d.Seconds())))
		})
	}
	if err := during.Wait(); err != nil {
		return err
	}
	return w.saveProfile(ctx, name+"-heap", "heap")
}

func (w *world) saveProfile(ctx context.Context, file, query string) error {
	content, err := get(ctx, "http://"+w.operators[0].profilesAddress()+"/debug/pprof/"+query)
	if err != nil {
		return fmt.Errorf("profile the operator: %w", err)
	}
	return os.WriteFile(filepath.Join(w.profiles, file+".pprof"), content, 0o644)
}
