// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"maps"
	"reflect"
	"slices"
)

// object is one version of an object, as decoded JSON. It is never changed in place: versions share what they
// have in common.
type object = map[string]any

// with returns the object with another value at the end of the path; nil removes it.
func with(o object, value any, path ...string) object {
	changed := maps.Clone(o)
	if changed == nil {
		changed = object{}
	}
	switch {
	case len(path) > 1:
		inner, _ := o[path[0]].(object)
		changed[path[0]] = with(inner, value, path[1:]...)
	case value == nil:
		delete(changed, path[0])
	default:
		changed[path[0]] = value
	}
	return changed
}

// at returns the value at the end of the path; the zero value if there is none of that type.
func at[T any](o object, path ...string) T {
	for _, name := range path[:len(path)-1] {
		o, _ = o[name].(object)
	}
	value, _ := o[path[len(path)-1]].(T)
	return value
}

func uidOf(o object) string     { return at[string](o, "metadata", "uid") }
func versionOf(o object) string { return at[string](o, "metadata", "resourceVersion") }
func owners(o object) []any     { return at[[]any](o, "metadata", "ownerReferences") }
func same(a, b any) bool        { return reflect.DeepEqual(a, b) }

func without(o object, names ...string) object {
	rest := maps.Clone(o)
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}

// merged returns old after a JSON merge patch (RFC 7386).
func merged(old, patch object) object {
	result := maps.Clone(old)
	if result == nil {
		result = object{}
	}
	for name, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(result, name)
		case object:
			inner, _ := old[name].(object)
			result[name] = merged(inner, value)
		default:
			result[name] = value
		}
	}
	return result
}

// applied returns old after a server-side apply by a manager that takes over what it applies. Lists whose
// elements have keys are merged by them, others replaced.
func applied(old, config object, keys map[string][]string) object {
	result := maps.Clone(old)
	if result == nil {
		result = object{}
	}
	for name, value := range config {
		switch value := value.(type) {
		case object:
			inner, _ := old[name].(object)
			result[name] = applied(inner, value, keys)
		case []any:
			before, _ := old[name].([]any)
			result[name] = appliedList(before, value, keys[name])
		default:
			result[name] = value
		}
	}
	return result
}

func appliedList(old, config []any, keys []string) []any {
	if len(keys) == 0 {
		return config
	}
	result := slices.Clone(old)
	for _, element := range config {
		i := slices.IndexFunc(result, func(other any) bool { return sameKeys(other, element, keys) })
		if i < 0 {
			result = append(result, element)
			continue
		}
		result[i] = applied(result[i].(object), element.(object), nil)
	}
	return result
}

func sameKeys(a, b any, keys []string) bool {
	return !slices.ContainsFunc(keys, func(key string) bool { return !same(a.(object)[key], b.(object)[key]) })
}
