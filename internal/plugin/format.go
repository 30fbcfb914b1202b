// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"encoding/json"
	"fmt"
	"io"

	"sigs.k8s.io/yaml"
)

// Format is how something is written; empty for text for people.
type Format string

// The formats.
const (
	JSON Format = "json"
	YAML Format = "yaml"
	Wide Format = "wide" // text with more columns
)

// write writes a value as JSON or YAML, or else a text. YAML documents follow each other.
func (f Format) write(w io.Writer, value any, text func() string) error {
	switch f {
	case JSON:
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(value)
	case YAML:
		content, err := yaml.Marshal(value)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "---\n%s", content)
		return err
	case Wide:
	}
	_, err := io.WriteString(w, text())
	return err
}

// forMachines says whether programs read the format.
func (f Format) forMachines() bool { return f == JSON || f == YAML }
