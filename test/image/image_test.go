// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// caFile is where Go looks for certificate authorities first.
const caFile = "/etc/ssl/certs/ca-certificates.crt"

// buildah runs buildah with images of its own, and without needing a kernel that mounts for it.
type buildah struct{ dir string }

func (b buildah) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	args = append([]string{"--storage-driver=vfs", "--root=" + b.dir + "/root", "--runroot=" + b.dir + "/run"}, args...)
	return exec.CommandContext(t.Context(), "buildah", args...)
}

func (b buildah) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := b.command(t, args...)
	out, err := cmd.Output()
	if err != nil {
		var stderr []byte
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			stderr = exit.Stderr
		}
		t.Fatalf("buildah %s: %v\n%s%s", args[0], err, out, stderr)
	}
	return strings.TrimSpace(string(out))
}

// TestImage builds the Dockerfile's final stage, with the files that the stage before would have made, and runs
// what is in it. The stage before needs an image of Go from a registry; TestReproducibleBinary runs its command.
func TestImage(t *testing.T) {
	if _, err := exec.LookPath("buildah"); err != nil {
		t.Skip("buildah is not installed: the image is not checked")
	}
	dir := t.TempDir()
	stage := filepath.Join(dir, "stage")
	source := filepath.Join(dir, "source")
	for _, d := range []string{filepath.Join(stage, filepath.Dir(caFile)), source, filepath.Join(dir, "empty")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(build(t.Context(), t, source), filepath.Join(stage, "manager")); err != nil {
		t.Fatal(err)
	}
	const authorities = "authorities of the build stage"
	if err := os.WriteFile(filepath.Join(stage, caFile), []byte(authorities), 0o600); err != nil {
		t.Fatal(err)
	}
	all := dockerfile(t)
	last := strings.LastIndex(all, "\nFROM ")
	final := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(final, []byte(all[last+1:]), 0o600); err != nil {
		t.Fatal(err)
	}

	b := buildah{dir: filepath.Join(dir, "storage")}
	b.run(t, "build", "--isolation=chroot", "--build-context=build="+stage, "-f", final, "-t", "breakwater:test", filepath.Join(dir, "empty"))
	checkImageConfig(t, b.run(t, "inspect", "--type=image", "breakwater:test"))

	container := b.run(t, "from", "breakwater:test")
	defer b.run(t, "rm", container)
	checkFiles(t, b.run(t, "mount", container), authorities)
	checkVersion(t, b.command(t, "run", "--isolation=chroot", container, "--", "/manager", "--version"))
}

func checkImageConfig(t *testing.T, inspected string) {
	t.Helper()
	var image struct {
		OCIv1 struct {
			Config struct {
				User       string
				Entrypoint []string
			} `json:"config"`
		}
	}
	if err := json.Unmarshal([]byte(inspected), &image); err != nil {
		t.Fatal(err)
	}
	config := image.OCIv1.Config
	if config.User != "65532:65532" || !slices.Equal(config.Entrypoint, []string{"/manager"}) {
		t.Errorf("user %q runs %q, want the number 65532 and /manager", config.User, config.Entrypoint)
	}
}

// checkFiles checks that there is nothing in the image but the binary and the certificate authorities.
func checkFiles(t *testing.T, root, authorities string) {
	t.Helper()
	var files []string
	if err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, strings.TrimPrefix(path, root))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{caFile, "/manager"}, files); diff != "" {
		t.Errorf("files in the image (-want +got):\n%s", diff)
	}
	content, err := os.ReadFile(filepath.Join(root, caFile))
	if err != nil || string(content) != authorities {
		t.Errorf("%s holds %.40q (%v), want those of the build stage", caFile, content, err)
	}
}
