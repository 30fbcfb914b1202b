// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/breakwater-dev/breakwater/internal/manifest"
)

// FileError says what is wrong in a file, and where.
type FileError struct {
	File    string
	Line    int
	Message string
}

// Error returns file, line and what is wrong.
func (e *FileError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message) }

// document reads the YAML nodes of one file.
type document struct {
	file string
}

func (d document) errorf(n *yaml.Node, format string, args ...any) error {
	return &FileError{d.file, n.Line, fmt.Sprintf(format, args...)}
}

// parse returns the documents in a text.
func (d document) parse(text string) ([]*yaml.Node, error) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var roots []*yaml.Node
	for {
		var n yaml.Node
		err := decoder.Decode(&n)
		switch {
		case errors.Is(err, io.EOF):
			return roots, nil
		case err != nil:
			return nil, d.syntaxError(err)
		case len(n.Content) == 1:
			roots = append(roots, n.Content[0])
		}
	}
}

// syntaxError takes the line out of an error of the YAML reader.
func (d document) syntaxError(err error) error {
	line, message := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		number, what, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			line, message = n, what
		}
	}
	return &FileError{d.file, line, "not YAML: " + message}
}

// fields are the values of a mapping by key.
type fields map[string]*yaml.Node

// mapping reads a mapping that may have the known keys, or any key if none is named.
func (d document) mapping(n *yaml.Node, what string, known ...string) (fields, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return nil, d.errorf(n, "%s must be a mapping, such as {key: value}", what)
	}
	f := fields{}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case f[key.Value] != nil:
			return nil, d.errorf(key, "%s has %q twice", what, key.Value)
		case len(known) > 0 && !slices.Contains(known, key.Value):
			return nil, d.errorf(key, "unknown field %q: %s may have %s", key.Value, what, strings.Join(known, ", "))
		}
		f[key.Value] = n.Content[i+1]
	}
	return f, nil
}

func (d document) list(n *yaml.Node, what string) ([]*yaml.Node, error) {
	switch {
	case n == nil:
		return nil, nil
	case n.Kind == yaml.AliasNode:
		n = n.Alias
	}
	if n.Kind != yaml.SequenceNode {
		return nil, d.errorf(n, "%s must be a list", what)
	}
	return n.Content, nil
}

// one returns which of the keys is there; the mapping must have exactly one of them.
func (d document) one(n *yaml.Node, f fields, what string, keys ...string) (string, error) {
	found := ""
	for _, key := range keys {
		switch {
		case f[key] == nil:
		case found != "":
			return "", d.errorf(n, "%s has both %s and %s: give one of %s", what, found, key, strings.Join(keys, ", "))
		default:
			found = key
		}
	}
	if found == "" {
		return "", d.errorf(n, "%s needs one of %s", what, strings.Join(keys, ", "))
	}
	return found, nil
}

// refuse says that keys are there that do not belong to what is there.
func (d document) refuse(f fields, where string, keys ...string) error {
	for _, key := range keys {
		if f[key] != nil {
			return d.errorf(f[key], "%s does not go with %s: remove it", key, where)
		}
	}
	return nil
}

func (d document) duration(n *yaml.Node, what string) (time.Duration, error) {
	v, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || v < 0 {
		return 0, d.errorf(n, "%s must be a duration, such as 500ms, 90s or 1h30m", what)
	}
	return v, nil
}

func (d document) integer(n *yaml.Node, what string, low, high int) (int, error) {
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || v < low || v > high {
		return 0, d.errorf(n, "%s must be a whole number from %d to %d", what, low, high)
	}
	return v, nil
}

func (d document) text(n *yaml.Node, what string) (string, error) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		return "", d.errorf(n, "%s must be text: put it in quotes", what)
	}
	return n.Value, nil
}

// yes reads a key that is there to say true.
func (d document) yes(n *yaml.Node, what string) error {
	if n.Kind != yaml.ScalarNode || n.Value != "true" {
		return d.errorf(n, "%s must be true: otherwise leave it out", what)
	}
	return nil
}

// object reads a part of the file as kubectl reads a manifest.
func (d document) object(n *yaml.Node, what string) (manifest.Object, error) {
	if _, err := d.mapping(n, what); err != nil {
		return nil, err
	}
	text, err := yaml.Marshal(n)
	if err != nil {
		return nil, d.errorf(n, "%s: %v", what, err)
	}
	o, err := manifest.Parse(text)
	if err != nil {
		return nil, d.errorf(n, "%s: %v", what, err)
	}
	return o, nil
}

// refused says why an object that was written at n is refused, each reason with its line.
func (d document) refused(n *yaml.Node, err error) error {
	reasons, ok := errors.AsType[manifest.RefusedError](err)
	if !ok {
		return d.errorf(n, "%v", err)
	}
	var all []error
	for _, r := range reasons.Reasons() {
		all = append(all, d.errorf(find(n, r.Field), "%s", r.Message))
	}
	return errors.Join(all...)
}

// find returns the node of a field such as spec.secondaries[1].name, or the nearest one around it.
func find(n *yaml.Node, path string) *yaml.Node {
	for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		inner := child(n, segment)
		if inner == nil {
			return n
		}
		n = inner
	}
	return n
}

func child(n *yaml.Node, segment string) *yaml.Node {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == segment {
				return n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(segment); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i]
		}
	default:
	}
	return nil
}
