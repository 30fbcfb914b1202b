// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// roleVariable makes this test binary play a program that enters a lab.
const roleVariable = "BREAKWATER_LAB_TEST_ROLE"

// TestProgram is the program: TestMain has entered the lab before it runs.
func TestProgram(t *testing.T) {
	switch os.Getenv(roleVariable) {
	case "":
		t.Skip("it is for the other tests here")
	case "exit":
		os.Exit(7)
	case "tempdir":
		if err := os.WriteFile(os.TempDir()+"/left-over", nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.WriteString(os.TempDir() + "\n")
		os.Exit(0)
	case "child":
		child := exec.Command("sleep", "infinity")
		child.Stdout = os.Stdout
		child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.WriteString("ready\n")
		_ = child.Wait()
	}
}

func TestEnterPassesExitCodeOn(t *testing.T) {
	program, _ := startProgram(t, "exit")
	err := program.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("program ended with %v; want exit code 7", err)
	}
}

func TestEnterRemovesTemporaryFiles(t *testing.T) {
	program, output := startProgram(t, "tempdir")
	dir, err := output.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(strings.TrimSpace(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("temporary files after the end: %v; want none", err)
	}
}

// The child of the program holds its output open, in a process group of its
// own, as etcd and kube-apiserver are: the output ends when all have ended.
func TestEnterLeavesNoProcess(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			program, output := startProgram(t, "child")
			if line, err := output.ReadString('\n'); line != "ready\n" {
				t.Fatalf("program said %q, %v", line, err)
			}
			if err := program.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, output); err != nil {
				t.Errorf("processes are left: %v", err)
			}
			if err := program.Wait(); err == nil {
				t.Error("program ended by a signal reports success")
			}
		})
	}
}

func TestNetworkIsOfItsOwn(t *testing.T) {
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	if len(interfaces) != 1 || interfaces[0].Name != "lo" {
		t.Errorf("interfaces %v; want lo alone", interfaces)
	}
	for addr, want := range map[string]error{
		"10.1.0.99:8000":    syscall.ECONNREFUSED,
		"[fd00:2::99]:8000": syscall.ECONNREFUSED,
		"192.0.2.1:8000":    syscall.ENETUNREACH,
	} {
		conn, err := net.Dial("tcp", addr)
		if !errors.Is(err, want) {
			t.Errorf("connecting to %s: %v; want %v", addr, err, want)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

// startProgram runs TestProgram as a process of its own, and returns what it
// prints to stdout. Reading fails when nothing ends the output for too long.
func startProgram(t *testing.T, role string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(within(t, ample), program, "-test.run=^TestProgram$")
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stdout = write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	t.Cleanup(func() { _ = read.Close() })
	if deadline, ok := within(t, ample).Deadline(); ok {
		_ = read.SetReadDeadline(deadline)
	}
	return cmd, bufio.NewReader(read)
}
