// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

// Package manifest does with the manifest of an LLMBackend what the API server does, without one: it refuses
// unknown fields, applies defaults, and validates by the schema and the rules of the
// CustomResourceDefinition, with the same words.
package manifest

import (
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/config/crd"
)

// Schema is the schema of LLMBackends. It is safe for concurrent use.
type Schema struct {
	structural *structuralschema.Structural
	fields     validation.SchemaValidator
	rules      *cel.Validator
}

// Load reads the schema that this program was built with. Compiling its rules takes some 100 ms: once is
// enough. An error is a fault of the build.
func Load() (*Schema, error) {
	definition := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(crd.LLMBackends, definition); err != nil {
		return nil, fmt.Errorf("read the CustomResourceDefinition: %w", err)
	}
	for _, version := range definition.Spec.Versions {
		if version.Name == llmv1alpha1.GroupVersion.Version {
			return compile(version.Schema.OpenAPIV3Schema)
		}
	}
	return nil, fmt.Errorf("the CustomResourceDefinition has no version %s", llmv1alpha1.GroupVersion.Version)
}

func compile(written *apiextensionsv1.JSONSchemaProps) (*Schema, error) {
	props := &apiextensions.JSONSchemaProps{}
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(written, props, nil); err != nil {
		return nil, fmt.Errorf("convert the schema: %w", err)
	}
	structural, err := structuralschema.NewStructural(props)
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	fields, _, err := validation.NewSchemaValidator(props)
	if err != nil {
		return nil, fmt.Errorf("compile the schema: %w", err)
	}
	return &Schema{structural, fields, cel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
}
