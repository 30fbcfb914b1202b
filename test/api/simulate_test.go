// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSimulatedDay holds the command to what the documents promise: 24 hours of 16 regions take less than a second. It
// counts the time of the CPU, all cores together, so that nothing else that the machine does counts.
func TestSimulatedDay(t *testing.T) {
	var text strings.Builder
	text.WriteString(`backend:
  apiVersion: llm.breakwater.dev/v1alpha1
  kind: LLMBackend
  metadata: {name: chat}
  spec:
    primary: {name: us-east, endpoint: {url: "http://10.1.0.10:8000"}}
    secondaries:
`)
	for i := range 15 {
		fmt.Fprintf(&text, "    - {name: region-%d, endpoint: {url: \"http://10.2.0.%d:8000\"}}\n", i, i+10)
	}
	text.WriteString("duration: 24h\ntimeline:\n")
	for hour := range 24 {
		fmt.Fprintf(&text, "- {at: %dh1m, region: us-east, responds: {status: 503, latency: 10ms}}\n", hour)
		fmt.Fprintf(&text, "- {at: %dh31m, region: us-east, responds: {status: 200, latency: 10ms}}\n", hour)
	}
	text.WriteString("expect:\n- {at: 24h, activeRegion: us-east, transitionSeq: 96}\n")
	file := filepath.Join(t.TempDir(), "day.yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "../../bin/kubectl-breakwater", "simulate", "-f", file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if took := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); took >= time.Second {
		t.Errorf("it took %s of CPU, want less than 1 s", took)
	}
}
