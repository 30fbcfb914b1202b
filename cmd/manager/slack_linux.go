// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// timerSlack is by how much the kernel may put off what the operator's threads sleep for, so that it wakes them less
// often: a tenth of the beat on which most probes begin. Without it an eighth to a fifth of the CPU time that steady
// probing takes goes to a thread of the Go runtime which looks each 20 µs, as long as anything runs, whether others are
// stuck in system calls.
const timerSlack = 5 * time.Millisecond

// slackened is set in the environment of a process that slacken has started.
const slackened = "BREAKWATER_TIMER_SLACK"

// slacken starts this program once more, in this process, with a timer slack for all its threads. Go cannot set it for
// that thread, which is there before main is: each thread sets its own, gives it to those that it starts, and keeps it
// over an execve (prctl(2), PR_SET_TIMERSLACK). It returns where that is not possible or not needed, and the operator
// then does without.
func slacken() error {
	if os.Getenv(slackened) != "" {
		return nil
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_TIMERSLACK, uintptr(timerSlack), 0)
	if errno != 0 {
		return fmt.Errorf("set the timer slack: %w", errno)
	}
	environment := append(os.Environ(), slackened+"="+timerSlack.String())
	err = syscall.Exec(program, os.Args, environment) //nolint:gosec // this program, as it was called
	return fmt.Errorf("start again with a timer slack: %w", err)
}
