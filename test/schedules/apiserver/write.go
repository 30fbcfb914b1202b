// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// answer is a status code and a body, which is an object or encoded already.
type answer struct {
	code int
	body any
}

func failure(code int, reason metav1.StatusReason, format string, args ...any) answer {
	return answer{code, object{
		"apiVersion": "v1", "kind": "Status", "metadata": object{}, "status": metav1.StatusFailure,
		"reason": string(reason), "message": fmt.Sprintf(format, args...), "code": int64(code),
	}}
}

func notFound(k key) answer {
	return failure(http.StatusNotFound, metav1.StatusReasonNotFound, "%s %q not found", k.resource, k.name)
}

func conflict(k key, format string, args ...any) answer {
	return failure(http.StatusConflict, metav1.StatusReasonConflict,
		"Operation cannot be fulfilled on %s %q: %s", k.resource, k.name, fmt.Sprintf(format, args...))
}

func invalid(k key, field, message string) answer {
	return failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, "%s %q is invalid: %s: %s", k.resource, k.name, field, message)
}

// get answers a read of one object.
func (s *Server) get(k key) answer {
	if s.objects[k] == nil {
		return notFound(k)
	}
	return answer{http.StatusOK, s.encoded[k]}
}

// create answers a POST.
func (s *Server) create(kind *kind, k key, body object, by string) answer {
	k.name = at[string](body, "metadata", "name")
	if s.objects[k] != nil {
		return failure(http.StatusConflict, metav1.StatusReasonAlreadyExists, "%s %q already exists", k.resource, k.name)
	}
	if versionOf(body) != "" {
		return failure(http.StatusBadRequest, metav1.StatusReasonBadRequest, "resourceVersion should not be set on objects to be created")
	}
	return s.insert(kind, k, body, by)
}

func (s *Server) insert(kind *kind, k key, body object, by string) answer {
	if kind.status {
		body = without(body, "status")
	}
	body = merged(body, object{
		"apiVersion": kind.apiVersion, "kind": kind.name,
		"metadata": object{"namespace": k.namespace, "creationTimestamp": stamp(), "managedFields": nil},
	})
	body = with(body, s.newUID(), "metadata", "uid")
	if kind.status || len(kind.generation) > 0 {
		body = with(body, int64(1), "metadata", "generation")
	}
	if kind.complete != nil {
		body = kind.complete(s, nil, body)
	}
	if refused, ok := s.refuse(kind, k, nil, body); ok {
		return refused
	}
	s.commit(k, body, by)
	return answer{http.StatusCreated, s.encoded[k]}
}

// patch answers a merge patch.
func (s *Server) patch(kind *kind, k key, subresource string, body object, by string) answer {
	old := s.objects[k]
	if old == nil {
		return notFound(k)
	}
	changed := merged(old, body)
	return s.update(kind, k, subresource, changed, by)
}

// apply answers a server-side apply that takes over what others own.
func (s *Server) apply(kind *kind, k key, subresource string, body object, by string) answer {
	old := s.objects[k]
	uid, version := uidOf(body), versionOf(body)
	switch {
	case old == nil && uid != "":
		return conflict(k, "uid mismatch: the provided object specified uid %s, and no existing object was found", uid)
	case old == nil && version != "":
		return conflict(k, "the object does not exist any more")
	case old == nil:
		return s.insert(kind, k, body, by)
	}
	return s.update(kind, k, subresource, applied(old, body, kind.keys), by)
}

// update stores a changed version of an object that exists, if it is the one that was meant.
func (s *Server) update(kind *kind, k key, subresource string, changed object, by string) answer {
	old := s.objects[k]
	switch {
	case versionOf(changed) != versionOf(old):
		return conflict(k, "the object has been modified; please apply your changes to the latest version and try again")
	case uidOf(changed) != uidOf(old):
		return invalid(k, "metadata.uid", "field is immutable")
	}
	switch {
	case subresource == "status":
		changed = with(old, changed["status"], "status")
	case kind.status:
		changed = with(changed, old["status"], "status")
	}
	for _, fixed := range []string{"name", "namespace", "uid", "creationTimestamp", "generation", "deletionTimestamp"} {
		changed = with(changed, at[any](old, "metadata", fixed), "metadata", fixed)
	}
	if kind.complete != nil {
		changed = kind.complete(s, old, changed)
	}
	if kind.newGeneration(old, changed) {
		changed = with(changed, at[int64](old, "metadata", "generation")+1, "metadata", "generation")
	}
	if refused, ok := s.refuse(kind, k, old, changed); ok {
		return refused
	}
	if !same(old, changed) {
		s.commit(k, changed, by)
	}
	return answer{http.StatusOK, s.encoded[k]}
}

func (k *kind) newGeneration(old, changed object) bool {
	if k.status {
		return !same(without(old, "metadata", "status"), without(changed, "metadata", "status"))
	}
	for _, field := range k.generation {
		if !same(old[field], changed[field]) {
			return true
		}
	}
	return false
}

func (s *Server) refuse(kind *kind, k key, old, changed object) (answer, bool) {
	if field, message := refuseOwners(changed); message != "" {
		return invalid(k, field, message), true
	}
	if kind.refuse != nil {
		if field, message := kind.refuse(old, changed); message != "" {
			return invalid(k, field, message), true
		}
	}
	return answer{}, false
}

// remove answers a DELETE. An object whose deletion is to wait for its dependents is marked.
func (s *Server) remove(k key, options metav1.DeleteOptions, by string) answer {
	old := s.objects[k]
	if old == nil {
		return notFound(k)
	}
	if p := options.Preconditions; p != nil {
		switch {
		case p.UID != nil && string(*p.UID) != uidOf(old):
			return conflict(k, "Precondition failed: UID in precondition: %s, UID in object meta: %s", *p.UID, uidOf(old))
		case p.ResourceVersion != nil && *p.ResourceVersion != versionOf(old):
			return conflict(k, "Precondition failed: ResourceVersion in precondition: %s, ResourceVersion in object meta: %s",
				*p.ResourceVersion, versionOf(old))
		}
	}
	if options.PropagationPolicy != nil && *options.PropagationPolicy == metav1.DeletePropagationForeground {
		if at[string](old, "metadata", "deletionTimestamp") == "" {
			marked := with(old, stamp(), "metadata", "deletionTimestamp")
			marked = with(marked, int64(0), "metadata", "deletionGracePeriodSeconds")
			marked = with(marked, at[int64](old, "metadata", "generation")+1, "metadata", "generation")
			s.commit(k, with(marked, []any{metav1.FinalizerDeleteDependents}, "metadata", "finalizers"), by)
		}
		return answer{http.StatusOK, s.encoded[k]}
	}
	s.commit(k, nil, by)
	return answer{http.StatusOK, object{"apiVersion": "v1", "kind": "Status", "metadata": object{}, "status": metav1.StatusSuccess}}
}

// stamp is the time of creation or deletion, in whole seconds.
func stamp() string { return time.Now().UTC().Format(time.RFC3339) }

func encode(body any) []byte {
	if data, ok := body.([]byte); ok {
		return data
	}
	data, err := json.Marshal(body)
	if err != nil {
		panic(err) // decoded JSON can always be encoded
	}
	return data
}

// decode reads a JSON object, numbers without a fraction as int64.
func decode(data []byte) (object, error) {
	var o object
	if err := utiljson.Unmarshal(data, &o); err != nil {
		return nil, fmt.Errorf("decode body: %w", err)
	}
	return o, nil
}
