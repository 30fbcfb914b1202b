// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// insideVariable is set in the environment of the process that runs inside.
const insideVariable = "BREAKWATER_LAB_INSIDE"

// errNoNamespaces ends a program that cannot have a network of its own.
var errNoNamespaces = errors.New("this needs a network namespace of its own, so run it as root, or allow " +
	"unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, and on Ubuntu " +
	"kernel.apparmor_restrict_unprivileged_userns=0)")

// Main runs the tests of a package inside the lab's network. It is all that
// the TestMain of such a package does:
//
//	func TestMain(m *testing.M) { lab.Main(m) }
func Main(m *testing.M) {
	Enter()
	os.Exit(m.Run())
}

// Enter continues the program inside the lab's network: it returns only there.
// Call it first, before anything has side effects. The outer process runs the
// same program again in new network, process and mount namespaces, passes
// signals on, and exits with its exit code. Whatever is started inside ends
// with the program, however that ends, and so does everything under
// os.TempDir. Without the right to make namespaces the program ends with one
// sentence and exit code 1.
func Enter() {
	if os.Getenv(insideVariable) == "" {
		code, err := runInside()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}
	if err := arrive(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// arrive prepares the namespaces that the program finds itself in.
func arrive() error {
	// A program started from here that enters a lab shall get one of its own.
	if err := os.Unsetenv(insideVariable); err != nil {
		return err
	}
	// People's PATH often lacks the folders in which administrators' programs,
	// such as nft, are.
	if err := os.Setenv("PATH", os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin"); err != nil {
		return err
	}
	mountProc()
	if err := configureNetwork(); errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%w: %w", errNoNamespaces, err)
	} else if err != nil {
		return fmt.Errorf("configuring the lab's network: %w", err)
	}
	return nil
}

// mountProc makes /proc show the processes inside. Containers that hide parts
// of /proc forbid that; then /proc keeps showing the outer process ids, which
// only a program that looks itself up there by number would notice.
func mountProc() {
	if unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") == nil {
		_ = unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	}
}

// runInside runs the program again, inside, and returns its exit code.
func runInside() (int, error) {
	// The kernel sends the parent death signal when the thread ends that
	// started the child, so this one must not end before the process does.
	runtime.LockOSThread()

	dir, err := os.MkdirTemp("", "breakwater-lab-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)

	cmd, err := startInside(dir)
	if err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			// From a terminal the child has it already; a second one does no harm.
			_ = cmd.Process.Signal(s)
		case <-ended:
			return exitCode(cmd.ProcessState), nil
		}
	}
}

// startInside starts the program with dir for its temporary files. The new
// process is the init process of a process namespace: when it ends, the kernel
// ends everything in there.
func startInside(dir string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	const namespaces = syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS
	start := func(attr *syscall.SysProcAttr) (*exec.Cmd, error) {
		attr.Pdeathsig = syscall.SIGKILL
		cmd := &exec.Cmd{
			Path:        program,
			Args:        os.Args,
			Env:         append(os.Environ(), insideVariable+"=1", "TMPDIR="+dir),
			Stdin:       os.Stdin,
			Stdout:      os.Stdout,
			Stderr:      os.Stderr,
			SysProcAttr: attr,
		}
		return cmd, cmd.Start()
	}
	if os.Geteuid() == 0 {
		if cmd, err := start(&syscall.SysProcAttr{Cloneflags: namespaces}); err == nil {
			return cmd, nil
		}
	}
	cmd, err := start(&syscall.SysProcAttr{
		Cloneflags:  namespaces | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoNamespaces, err)
	}
	return cmd, nil
}

// exitCode is the code a shell would report: 128 and the signal's number for
// a process that a signal ended.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
