// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"context"
	"fmt"
	"maps"
	"reflect"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	objectvalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// Object is an LLMBackend as JSON reads it. It is never changed in place.
type Object map[string]any

// Parse reads one YAML document as kubectl does. It refuses a key that comes twice.
func Parse(text []byte) (Object, error) {
	wire, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return nil, err
	}
	var object Object
	if err := json.Unmarshal(wire, &object); err != nil {
		return nil, fmt.Errorf("must be a mapping: %w", err)
	}
	return object, nil
}

// Create returns the object as the API server would store it on creation: defaults applied, generation 1, in
// namespace default if it names none. What is wrong comes as [RefusedError].
func (s *Schema) Create(o Object) (Object, error) {
	next, err := s.prepare(o)
	if err != nil {
		return nil, err
	}
	meta := next.metadata()
	if meta["namespace"] == nil {
		meta["namespace"] = "default"
	}
	meta["generation"] = int64(1)
	if errs := s.validate(next, nil); len(errs) > 0 {
		return nil, errs
	}
	return next, nil
}

// Patch returns the stored object with a JSON merge patch (RFC 7396) applied, as the API server would store
// it: any change but one of metadata raises the generation. What is wrong comes as [RefusedError].
func (s *Schema) Patch(stored, patch Object) (Object, error) {
	merged, err := copied(stored)
	if err != nil {
		return nil, err
	}
	merge(merged, patch)
	next, err := s.prepare(merged)
	if err != nil {
		return nil, err
	}
	meta, before := next.metadata(), stored.metadata()
	for _, key := range []string{"name", "namespace"} {
		if meta[key] != before[key] {
			return nil, RefusedError{field.Invalid(field.NewPath("metadata", key), meta[key], "field is immutable")}
		}
	}
	generation, _ := before["generation"].(int64)
	if !reflect.DeepEqual(next["spec"], stored["spec"]) {
		generation++
	}
	meta["generation"] = generation
	if errs := s.validate(next, stored); len(errs) > 0 {
		return nil, errs
	}
	return next, nil
}

// prepare returns a copy without status, which only the operator writes, and with defaults.
func (s *Schema) prepare(o Object) (Object, error) {
	next, err := copied(o)
	if err != nil {
		return nil, err
	}
	if errs := checkKind(next); len(errs) > 0 {
		return nil, errs
	}
	delete(next, "status")
	unknown := pruning.PruneWithOptions(map[string]any(next), s.structural, true,
		structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	wrong, unknownMeta := objectmeta.CoerceWithOptions(nil, map[string]any(next), s.structural, true,
		objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	var errs RefusedError
	if wrong != nil {
		errs = append(errs, wrong)
	}
	for _, path := range append(unknown, unknownMeta...) {
		errs = append(errs, unknownField(path))
	}
	if len(errs) > 0 {
		return nil, errs
	}
	if next.metadata() == nil {
		next["metadata"] = map[string]any{}
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(map[string]any(next), s.structural)
	defaulting.Default(map[string]any(next), s.structural)
	return next, nil
}

func checkKind(o Object) RefusedError {
	for _, want := range []struct{ key, value string }{
		{"apiVersion", llmv1alpha1.GroupVersion.String()}, {"kind", "LLMBackend"},
	} {
		if o[want.key] != want.value {
			return RefusedError{field.Invalid(field.NewPath(want.key), o[want.key], "must be "+want.value)}
		}
	}
	return nil
}

// validate looks at everything that the API server looks at. Rules are not checked where a field has the
// wrong form already.
func (s *Schema) validate(next, old Object) RefusedError {
	ctx := context.Background()
	object := map[string]any(next)
	meta, _, err := objectmeta.GetObjectMeta(object, false)
	if err != nil {
		return RefusedError{field.Invalid(field.NewPath("metadata"), object["metadata"], err.Error())}
	}
	errs := objectvalidation.ValidateObjectMeta(meta, true, objectvalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
	errs = append(errs, validation.ValidateCustomResource(nil, object, s.fields)...)
	errs = append(errs, objectmeta.Validate(ctx, nil, object, s.structural, false)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, object)...)
	if blocked(errs) {
		return RefusedError(errs)
	}
	var before any
	if old != nil {
		before = map[string]any(old)
	}
	ruled, _ := s.rules.Validate(ctx, nil, s.structural, object, before, celconfig.RuntimeCELCostBudget)
	return RefusedError(append(errs, ruled...))
}

func blocked(errs field.ErrorList) bool {
	for _, err := range errs {
		switch err.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong,
			field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return true
		default:
		}
	}
	return false
}

// LLMBackend returns the object as the operator reads it.
func (o Object) LLMBackend() (*llmv1alpha1.LLMBackend, error) {
	b := &llmv1alpha1.LLMBackend{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o, b); err != nil {
		return nil, fmt.Errorf("read LLMBackend: %w", err)
	}
	return b, nil
}

func (o Object) metadata() map[string]any {
	meta, _ := o["metadata"].(map[string]any)
	return meta
}

func copied(o Object) (Object, error) {
	wire, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("copy LLMBackend: %w", err)
	}
	var c Object
	return c, json.Unmarshal(wire, &c)
}

// merge applies a patch as RFC 7396 says.
func merge(target, patch map[string]any) {
	for key, value := range patch {
		inner, isMapping := value.(map[string]any)
		switch {
		case value == nil:
			delete(target, key)
		case isMapping:
			into, _ := target[key].(map[string]any)
			into = maps.Clone(into)
			if into == nil {
				into = map[string]any{}
			}
			merge(into, inner)
			target[key] = into
		default:
			target[key] = value
		}
	}
}
