// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/breakwater-dev/breakwater/test/lab"
)

func TestProcessStops(t *testing.T) {
	p := startShell(t, `trap 'echo ended; exit 0' TERM; echo one; echo two; while :; do sleep 0.01; done`)
	waitForOutput(t, p, "one\ntwo\n")
	if err := p.Stop(within(t, ample)); err != nil {
		t.Error(err)
	}
	if got, want := p.Tail(2), "two\nended\n"; got != want {
		t.Errorf("last two lines %q; want %q", got, want)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Errorf("stopping it again: %v", err)
	}
}

func TestProcessThatTheSignalEnds(t *testing.T) {
	if err := startShell(t, `exec sleep infinity`).Stop(within(t, ample)); err != nil {
		t.Error(err)
	}
}

func TestProcessIsKilledAtTheBound(t *testing.T) {
	p := startShell(t, `trap '' TERM; echo deaf; while :; do sleep 0.01; done`)
	waitForOutput(t, p, "deaf\n")
	if err := p.Stop(within(t, soon)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stopping a process that does not listen: error %v; want %v", err, context.DeadlineExceeded)
	}
	select {
	case <-p.Done():
	default:
		t.Error("the process is still running")
	}
}

func TestProcessThatFailed(t *testing.T) {
	p := startShell(t, `echo why; exit 3`)
	<-p.Done()
	if err := p.Stop(t.Context()); err == nil || p.Tail(1) != "why\n" {
		t.Errorf("error %v and output %q; want the exit code and why", err, p.Tail(1))
	}
}

func startShell(t *testing.T, script string) *lab.Process {
	t.Helper()
	p, err := lab.StartProcess("shell", filepath.Join(t.TempDir(), "log"), "/bin/sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Kill() })
	return p
}

func waitForOutput(t *testing.T, p *lab.Process, want string) {
	t.Helper()
	for ctx := within(t, ample); p.Tail(10) != want; {
		if ctx.Err() != nil {
			t.Fatalf("output %q; want %q", p.Tail(10), want)
		}
		time.Sleep(time.Millisecond)
	}
}
