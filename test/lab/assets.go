// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// assetsVariable names a folder with ready-made control plane binaries.
const assetsVariable = "KUBEBUILDER_ASSETS"

// RepositoryRoot returns the folder of the operator's module, found upwards
// from the working directory.
func RepositoryRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(mod, []byte("module github.com/breakwater-dev/breakwater\n")) {
			return dir, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%s is not inside the Breakwater repository: run this from there", start)
		}
	}
}

// AssetsDir returns the folder that holds kube-apiserver, etcd and kubectl:
// KUBEBUILDER_ASSETS if set, otherwise bin/controlplane of the repository.
// It is an error if one of them, or of what else is named, is missing.
func AssetsDir(more ...string) (string, error) {
	dir := os.Getenv(assetsVariable)
	hint := "correct or unset " + assetsVariable
	if dir == "" {
		root, err := RepositoryRoot()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, "bin", "controlplane")
		hint = `run "make controlplane", or set ` + assetsVariable + " to a folder that holds them"
	}
	for _, name := range append([]string{"kube-apiserver", "etcd", "kubectl"}, more...) {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return "", fmt.Errorf("no control plane binaries: %w: %s", err, hint)
		}
	}
	return dir, nil
}
