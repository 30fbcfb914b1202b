// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package image_test tests what is released besides manifests: the binary, the image and the bill of materials.
package image_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// version is what the tests call what they build.
const version = "v1.2.3-test"

// inRepository returns the path of a file or folder of the repository.
func inRepository(path string) string {
	return filepath.Join("..", "..", path)
}

// dockerfile returns the Dockerfile with each instruction on one line.
func dockerfile(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(inRepository("Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(content), "\\\n", "")
}

var (
	copied = regexp.MustCompile(`(?m)^COPY ((?:[^-/].* )+)\S+$`)
	built  = regexp.MustCompile(`(?m)^RUN (CGO_ENABLED=0 .* go build .*) -o /manager (\./cmd/manager)$`)
)

// build builds the operator in dir as the Dockerfile does, from the files that the Dockerfile copies alone.
func build(ctx context.Context, t *testing.T, dir string) string {
	t.Helper()
	for _, instruction := range copied.FindAllStringSubmatch(dockerfile(t), -1) {
		for name := range strings.FieldsSeq(instruction[1]) {
			copyTo(t, inRepository(name), filepath.Join(dir, name))
		}
	}
	command := built.FindStringSubmatch(dockerfile(t))
	if command == nil {
		t.Fatalf("no RUN go build in the Dockerfile that matches %s", built)
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", command[1]+" -o manager "+command[2])
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TARGETOS=linux", "TARGETARCH="+runtime.GOARCH, "VERSION="+version, "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command[1], err, out)
	}
	return filepath.Join(dir, "manager")
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		err = os.CopyFS(to, os.DirFS(from))
	} else {
		var content []byte
		if content, err = os.ReadFile(from); err == nil {
			err = os.WriteFile(to, content, 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestReproducibleBinary builds the operator twice, in different folders with names of different lengths. What is
// compiled of other modules may come from the build cache: their files are the same in every build.
func TestReproducibleBinary(t *testing.T) {
	var digests []string
	for _, name := range []string{"a", "another-folder"} {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		binary := build(t.Context(), t, dir)
		content, err := os.ReadFile(binary)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte(dir)) {
			t.Errorf("the binary contains the path %s of its source", dir)
		}
		digests = append(digests, fmt.Sprintf("%x", sha256.Sum256(content)))
		if len(digests) == 1 {
			checkVersion(t, exec.CommandContext(t.Context(), binary, "--version"))
		}
	}
	if digests[0] != digests[1] {
		t.Errorf("two builds of the same source differ: sha256 %v", digests)
	}
}

func checkVersion(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != version {
		t.Errorf("%s says %q (%v), want %s", strings.Join(cmd.Args, " "), out, err, version)
	}
}
