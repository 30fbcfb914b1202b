// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/manifest"
)

// maxDuration is the longest time that a scenario may last.
const maxDuration = 366 * 24 * time.Hour

// Loader reads scenarios.
type Loader struct {
	schema *manifest.Schema
}

// NewLoader returns a Loader. Use one for many files: preparing it takes longer than reading them.
func NewLoader() (*Loader, error) {
	schema, err := manifest.Load()
	if err != nil {
		return nil, err
	}
	return &Loader{schema}, nil
}

// Load reads the scenario in a file and the manifest that it names. What is wrong in either comes as
// [FileError], or as several that are joined.
func (l *Loader) Load(file string) (*Scenario, error) {
	doc := document{file}
	root, err := doc.only()
	if err != nil {
		return nil, err
	}
	f, err := doc.mapping(root, "a scenario", "backend", "duration", "timeline", "expect")
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"backend", "duration"} {
		if f[key] == nil {
			return nil, doc.errorf(root, "a scenario needs %s", key)
		}
	}
	r := &reading{document: doc, schema: l.schema, scenario: &Scenario{File: file}}
	if err := r.readDuration(f["duration"]); err != nil {
		return nil, err
	}
	if err := r.readBackend(f["backend"]); err != nil {
		return nil, err
	}
	if err := r.readTimeline(f["timeline"]); err != nil {
		return nil, err
	}
	if err := r.readExpectations(f["expect"]); err != nil {
		return nil, err
	}
	return r.scenario, r.checkNames()
}

// only returns the root of a file with one document.
func (d document) only() (*yaml.Node, error) {
	text, err := os.ReadFile(d.file)
	if err != nil {
		return nil, err
	}
	roots, err := d.parse(string(text))
	switch {
	case err != nil:
		return nil, err
	case len(roots) != 1:
		return nil, &FileError{d.file, 1, fmt.Sprintf("a scenario is one YAML document; this file has %d", len(roots))}
	}
	return roots[0], nil
}

// reading is a scenario that is being read.
type reading struct {
	document
	schema   *manifest.Schema
	scenario *Scenario

	stored  manifest.Object // the backend after what was read of the timeline
	regions []string        // of every spec there will be
	named   []name          // regions that the file names
}

type name struct {
	region string
	node   *yaml.Node
}

func (r *reading) readDuration(n *yaml.Node) error {
	d, err := r.duration(n, "duration")
	if err != nil {
		return err
	}
	if d > maxDuration {
		return r.errorf(n, "duration must be at most %s", maxDuration)
	}
	r.scenario.Duration = d
	return nil
}

// readBackend reads a manifest that stands in the scenario, or in the file that it names.
func (r *reading) readBackend(n *yaml.Node) error {
	doc := r.document
	if n.Kind == yaml.ScalarNode {
		doc = document{n.Value}
		if !filepath.IsAbs(n.Value) {
			doc.file = filepath.Join(filepath.Dir(r.file), n.Value)
		}
		text, err := os.ReadFile(doc.file)
		if err != nil {
			return r.errorf(n, "backend: %v", err)
		}
		if n, err = doc.oneBackend(string(text)); err != nil {
			return err
		}
	}
	written, err := doc.object(n, "backend")
	if err != nil {
		return err
	}
	r.stored, err = r.schema.Create(written)
	if err != nil {
		return doc.refused(n, err)
	}
	r.scenario.Backend, err = r.backend()
	if err != nil {
		return doc.refused(n, err)
	}
	return nil
}

// oneBackend returns the one LLMBackend in a manifest file, which may hold other objects too.
func (d document) oneBackend(text string) (*yaml.Node, error) {
	roots, err := d.parse(text)
	if err != nil {
		return nil, err
	}
	roots = slices.DeleteFunc(roots, func(n *yaml.Node) bool { return find(n, "kind").Value != "LLMBackend" })
	if len(roots) != 1 {
		return nil, &FileError{d.file, 1, fmt.Sprintf("the manifest file of a scenario must hold one LLMBackend; this one holds %d", len(roots))}
	}
	return roots[0], nil
}

// backend returns the LLMBackend as it is now, and notes its regions.
func (r *reading) backend() (*llmv1alpha1.LLMBackend, error) {
	b, err := r.stored.LLMBackend()
	if err != nil {
		return nil, err
	}
	b.UID = "simulated"
	r.regions = append(r.regions, b.Spec.Primary.Name)
	for _, s := range b.Spec.Secondaries {
		r.regions = append(r.regions, s.Name)
	}
	return b, nil
}

// checkNames refuses regions that no spec in the scenario has: they are spelt wrong.
func (r *reading) checkNames() error {
	slices.Sort(r.regions)
	known := slices.Compact(r.regions)
	for _, n := range r.named {
		if !slices.Contains(known, n.region) {
			return r.errorf(n.node, "the backend has no region %q: it has %s", n.region, strings.Join(known, ", "))
		}
	}
	return nil
}

// at reads the time of an entry.
func (r *reading) at(entry *yaml.Node, f fields, what string) (time.Duration, error) {
	if f["at"] == nil {
		return 0, r.errorf(entry, "%s needs at", what)
	}
	at, err := r.duration(f["at"], "at")
	if err == nil && at > r.scenario.Duration {
		err = r.errorf(f["at"], "at %s is after the end of the scenario, %s: make duration longer", at, r.scenario.Duration)
	}
	return at, err
}

// region reads the name of a region.
func (r *reading) region(n *yaml.Node, what string) (string, error) {
	region, err := r.text(n, what)
	r.named = append(r.named, name{region, n})
	return region, err
}
