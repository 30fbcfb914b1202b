// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package observer

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// incidental are the fields that differ between two runs that end the same:
// times, and what the API server makes up.
var incidental = map[string]bool{
	"activeSince": true, "clusterIP": true, "clusterIPs": true, "creationTimestamp": true,
	"generation": true, "lastTransitionTime": true, "managedFields": true, "openUntil": true,
	"resourceVersion": true, "since": true, "time": true,
}

// Normal is the state without what differs between two runs that end the same,
// to be compared and to be read. names are words that stand for the values that
// they are the keys of, such as addresses.
func (s State) Normal(names map[string]string) (string, error) {
	uids := map[types.UID]string{}
	var replace []string
	for _, o := range objects(s) {
		uids[o.GetUID()] = fmt.Sprintf("%s-%s", reflect.TypeOf(o).Elem().Name(), o.GetName())
	}
	for uid, name := range uids {
		replace = append(replace, string(uid), "uid-of-"+name)
	}
	for value, word := range names {
		replace = append(replace, value, word)
	}
	var text strings.Builder
	for _, o := range objects(s) {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
		if err != nil {
			return "", fmt.Errorf("normalising %T %s: %w", o, o.GetName(), err)
		}
		strip(content)
		lines, err := yaml.Marshal(content)
		if err != nil {
			return "", fmt.Errorf("normalising %T %s: %w", o, o.GetName(), err)
		}
		fmt.Fprintf(&text, "--- %T %s\n%s", o, o.GetName(), lines)
	}
	return strings.NewReplacer(replace...).Replace(text.String()), nil
}

// objects returns all objects in a fixed order.
func objects(s State) []client.Object {
	var all []client.Object
	for _, name := range slices.Sorted(maps.Keys(s.Backends)) {
		all = append(all, s.Backends[name])
	}
	for _, name := range slices.Sorted(maps.Keys(s.Services)) {
		all = append(all, s.Services[name])
	}
	for _, name := range slices.Sorted(maps.Keys(s.Slices)) {
		all = append(all, s.Slices[name])
	}
	return all
}

// strip removes what is incidental, and sorts conditions, whose order means nothing.
func strip(value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			if incidental[key] {
				delete(v, key)
				continue
			}
			strip(inner)
		}
		if conditions, ok := v["conditions"].([]any); ok {
			slices.SortFunc(conditions, func(a, b any) int { return strings.Compare(typeOf(a), typeOf(b)) })
		}
	case []any:
		for _, inner := range v {
			strip(inner)
		}
	}
}

func typeOf(condition any) string {
	fields, _ := condition.(map[string]any)
	name, _ := fields["type"].(string)
	return name
}
