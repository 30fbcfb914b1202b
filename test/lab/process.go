// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// Process is a program that was started beside this one, such as the operator.
type Process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error
}

// StartProcess starts a program that writes what it prints to the file log,
// which is truncated. The name is for messages.
func StartProcess(name, log, path string, args ...string) (*Process, error) {
	output, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	defer func() { _ = output.Close() }()
	p := &Process{name: name, cmd: exec.Command(path, args...), log: log, done: make(chan struct{})}
	p.cmd.Stdout = output
	p.cmd.Stderr = output
	// Ctrl-C is for the program that started it, which then stops it in order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log is the path of the file that holds what the process printed.
func (p *Process) Log() string { return p.log }

// Tail returns the last n lines that the process printed.
func (p *Process) Tail(n int) string { return lastLines(p.log, n) }

// Signal sends a signal, such as SIGSTOP to freeze the process.
func (p *Process) Signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("sending %s to %s: %w", s, p.name, err)
	}
	return nil
}

// Kill ends the process at once, as a crash would, and waits for its end.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

// Stop asks the process to end with SIGTERM and waits for it; when ctx ends
// first, the process is killed. It is an error if it had to be, or if the
// process ended, now or earlier, with an exit code or another signal.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("stopping %s: %w", p.name, ctx.Err()), p.Kill())
	}
	status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if p.err == nil || status.Signaled() && status.Signal() == syscall.SIGTERM {
		return nil
	}
	return fmt.Errorf("%s ended: %w", p.name, p.err)
}

// lastLines returns the last n lines of a file, or why it cannot be read.
func lastLines(path string, n int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := slices.Collect(strings.Lines(string(content)))
	return strings.Join(lines[max(0, len(lines)-n):], "")
}
