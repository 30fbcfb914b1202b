// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// tree is the copy of the work tree in which faults are tried.
type tree struct {
	root string
	// sound are the tests that have passed without a fault.
	sound map[string]bool
}

// place is where the copy is, always the same, so that what was built for it before is not built again.
const place = "bin/mutants"

// copyTree copies what git knows, or would know, of the work tree. The control plane is not copied but linked.
func copyTree(ctx context.Context) (*tree, error) {
	top, err := output(ctx, "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	top = strings.TrimSpace(top)
	root := filepath.Join(top, place)
	if err := os.RemoveAll(root); err != nil {
		return nil, err
	}
	list, err := output(ctx, "git", "-C", top, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		if err := copyFile(filepath.Join(top, name), filepath.Join(root, name)); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o755); err != nil {
		return nil, err
	}
	for _, built := range []string{"controlplane", "helm", "cyclonedx-gomod"} {
		if err := os.Symlink(filepath.Join(top, "bin", built), filepath.Join(root, "bin", built)); err != nil {
			return nil, err
		}
	}
	return &tree{root: root, sound: map[string]bool{}}, nil
}

// copyFile copies a file, unless it was deleted.
func copyFile(from, to string) error {
	info, err := os.Lstat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, info.Mode().Perm())
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return string(out), nil
}

// try puts the fault into the copy, runs tests until one fails, and takes the fault out again.
func (t *tree) try(ctx context.Context, f fault) (v verdict, err error) {
	file := filepath.Join(t.root, f.File)
	original, err := os.ReadFile(file)
	if err != nil {
		return verdict{}, err
	}
	broken, err := f.in(string(original))
	if err != nil {
		return verdict{}, err
	}
	began := time.Now()
	v = verdict{fault: f}
	for _, n := range netsFor(f) {
		if err := t.checkSound(ctx, n); err != nil {
			return verdict{}, err
		}
		if err := os.WriteFile(file, []byte(broken), 0o644); err != nil {
			return verdict{}, err
		}
		v.By, err = t.firstFailure(ctx, n)
		if restored := os.WriteFile(file, original, 0o644); restored != nil || err != nil {
			return verdict{}, errors.Join(err, restored)
		}
		if v.By != "" {
			v.Caught = true
			break
		}
	}
	v.Seconds = time.Since(began).Seconds()
	return v, nil
}

// checkSound runs the tests once without a fault: those that fail by themselves would notice everything.
func (t *tree) checkSound(ctx context.Context, n net) error {
	key := fmt.Sprint(n)
	if t.sound[key] {
		return nil
	}
	by, err := t.firstFailure(ctx, n)
	if err == nil && by != "" {
		err = fmt.Errorf("%s fails without a fault", by)
	}
	t.sound[key] = err == nil
	return err
}
