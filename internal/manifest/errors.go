// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// RefusedError is why an object is refused: at least one reason, in the words of the API server.
type RefusedError field.ErrorList

// Error returns all reasons, one per line.
func (e RefusedError) Error() string {
	var lines []string
	for _, err := range e {
		lines = append(lines, message(err))
	}
	return strings.Join(lines, "\n")
}

// unknownType marks a field that the schema does not have; the API server words it differently.
const unknownType field.ErrorType = "FieldValueUnknown"

func unknownField(path string) *field.Error {
	return &field.Error{Type: unknownType, Field: path}
}

func message(err *field.Error) string {
	if err.Type == unknownType {
		return "unknown field " + strconv.Quote(err.Field)
	}
	return err.Error()
}

// Reason is one of several reasons and the path of the field that it is about, such as
// spec.secondaries[1].name.
type Reason struct {
	Field   string
	Message string
}

// Reasons returns the reasons one by one.
func (e RefusedError) Reasons() []Reason {
	reasons := make([]Reason, len(e))
	for i, err := range e {
		reasons[i] = Reason{Field: err.Field, Message: message(err)}
	}
	return reasons
}
