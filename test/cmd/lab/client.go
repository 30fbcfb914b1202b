// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/breakwater-dev/breakwater/test/cmd/internal/playground"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// chartWidth is the number of columns of the chart at the end.
const chartWidth = 68

// startClient starts the client, if there is a node for it, and returns what
// the welcome says about it. To finish ends it and draws what it saw.
func startClient(ctx context.Context, p *playground.Playground, out io.Writer) (about string, finish func(), err error) {
	if p.Plain() {
		return fmt.Sprintf(withoutClient, p.Missing), func() {}, nil
	}
	if _, err := p.AwaitAddresses(ctx, startTimeout, playground.Regions()[0].Address); err != nil {
		return "", nil, err
	}
	url, err := p.StartClient(ctx)
	if err != nil {
		return "", nil, err
	}
	root, err := lab.RepositoryRoot()
	if err != nil {
		return "", nil, err
	}
	log, err := os.Create(filepath.Join(root, "bin", "log", "lab-client.log"))
	if err != nil {
		return "", nil, err
	}
	stopped := make(chan struct{})
	var logging sync.WaitGroup
	logging.Go(func() { logCalls(p, log, stopped) })
	finish = func() {
		close(stopped)
		logging.Wait()
		_ = log.Close()
		_, _ = fmt.Fprintf(out, "\nWho answered the client:\n\n%s", p.Calls.Stop().Chart(chartWidth, regionNames()...))
	}
	return fmt.Sprintf(withClient, log.Name(), url), finish, nil
}

// logCalls writes a line each second about the calls that were recorded since
// the line before.
func logCalls(p *playground.Playground, log io.Writer, stopped <-chan struct{}) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	var told time.Time
	for {
		select {
		case <-stopped:
			return
		case now := <-second.C:
			calls := p.Calls.Record().Since(told)
			if len(calls) > 0 {
				told = calls[len(calls)-1].Start.Add(1)
			}
			_, _ = fmt.Fprintf(log, "%s  %s\n", now.Format(time.TimeOnly), calls)
		}
	}
}

func regionNames() []string {
	var names []string
	for _, region := range playground.Regions() {
		names = append(names, region.Name)
	}
	return names
}
