// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// net is a command that runs tests.
type net struct {
	module string // the folder of its module
	args   []string
	// builds: the tests run the programs of cmd/, which are built before.
	builds bool
}

// Tests that take another way each time, or long, come after those that say plainly what is broken.
const (
	properties = "^(TestInvariants|TestBreakerAgreesWithModel)$"
	schedules  = "400"
)

// netsFor returns the tests to run for a fault, the quickest first.
func netsFor(f fault) []net {
	nets := []net{
		{module: ".", args: []string{"-skip", properties, "./" + path.Dir(f.File)}},
		{module: ".", args: []string{"-skip", properties, "./internal/...", "./cmd/..."}},
	}
	if strings.HasPrefix(f.File, "internal/failover/") {
		nets = append(nets, net{module: ".", args: []string{"-run", properties, "./internal/failover", "-rapid.nofailfile"}})
	}
	return append(nets,
		net{module: "test", args: []string{"./schedules", "-seeds", schedules}},
		net{module: "test", args: []string{"./traffic"}},
		net{module: "test", args: []string{"./operator"}, builds: true},
		net{module: "test", args: []string{"./crash"}, builds: true},
	)
}

// event is a line of what go test -json prints.
type event struct {
	Action, Package, Test, Output, FailedBuild string
}

// errDoesNotCompile ends the run: what does not compile is no fault.
var errDoesNotCompile = errors.New("it does not compile")

// firstFailure returns which test fails first, "" if all pass.
func (t *tree) firstFailure(ctx context.Context, n net) (string, error) {
	if n.builds {
		build := exec.CommandContext(ctx, "make", "build")
		build.Dir = t.root
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w: %s", errDoesNotCompile, out)
		}
	}
	args := append([]string{"test", "-json", "-vet=off", "-failfast", "-timeout=10m"}, n.args...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(t.root, n.module)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err == nil {
		return "", nil
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	by, err := failure(out)
	if err != nil {
		return "", err
	}
	if by == "" {
		return "", fmt.Errorf("go %s: %s", strings.Join(args, " "), complaint.Bytes())
	}
	return by, nil
}

// failure finds the first failure in what go test -json has printed. Of a test and its parts the part counts. A
// test that panics, or hangs until the time is over, has begun and not ended.
func failure(out []byte) (string, error) {
	running := map[string][]event{} // by package
	var built strings.Builder
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			continue // a program that a test has started printed it
		}
		switch {
		case e.Action == "build-output":
			built.WriteString(e.Output)
		case e.FailedBuild != "":
			return "", fmt.Errorf("%w: %s", errDoesNotCompile, built.String())
		case e.Action == "run":
			running[e.Package] = append(running[e.Package], e)
		case e.Action == "fail" && e.Test != "":
			return e.name(), nil
		case e.Action == "fail":
			if left := running[e.Package]; len(left) > 0 {
				e = left[len(left)-1]
			}
			return e.name(), nil
		case e.Action == "pass" || e.Action == "skip":
			running[e.Package] = slices.DeleteFunc(running[e.Package], func(r event) bool { return r.Test == e.Test })
		}
	}
	return "", lines.Err()
}

func (e event) name() string {
	return strings.TrimSpace(strings.TrimPrefix(e.Package, "github.com/breakwater-dev/breakwater/") + " " + e.Test)
}
