// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Files returns the scenarios that paths name: files as they are, and of a folder its .yaml and .yml files in
// order of their names, but not those of folders in it, nor manifests.
func Files(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		found, err := scenariosIn(path)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: there is no scenario in this folder: name a folder with .yaml files, or a file", path)
		}
		files = append(files, found...)
	}
	return files, nil
}

func scenariosIn(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if e.IsDir() || !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(e.Name())) {
			continue
		}
		file := filepath.Join(folder, e.Name())
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if !isManifest(document{file}, string(text)) {
			files = append(files, file)
		}
	}
	return files, nil
}

// isManifest says whether a file holds Kubernetes objects. One that cannot be read is taken for a scenario,
// so that its fault is reported.
func isManifest(d document, text string) bool {
	roots, err := d.parse(text)
	return err == nil && len(roots) > 0 && child(roots[0], "kind") != nil
}
