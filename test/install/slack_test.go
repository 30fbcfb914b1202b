// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestTimerSlack looks at what the kernel says of each thread, also of the Go runtime's own, which is there before main.
func TestTimerSlack(t *testing.T) {
	o := installed.start(t, "operator", "--leader-elect=false")
	eventually(t, "operator alive", func() error { return o.get(t, "/healthz") })
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", o.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		slack, err := os.ReadFile(fmt.Sprintf("/proc/%s/timerslack_ns", thread.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(string(slack)); got != "5000000" {
			t.Errorf("thread %s has a timer slack of %s ns, want 5 ms", thread.Name(), got)
		}
	}
}
