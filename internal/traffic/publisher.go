// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Errors of Publisher that are decisions rather than failures; test for them with errors.Is. Whatever the
// API server refused can be tested for with the functions of k8s.io/apimachinery/pkg/api/errors.
var (
	// ErrNewer: a slice shows a newer decision of the same LLMBackend, so the caller's is stale. It has to
	// read the LLMBackend again, or stop if it is no longer the leader.
	ErrNewer = errors.New("shows a newer decision")
	// ErrOwned: a slice belongs to another LLMBackend, or its annotation does not say to which, and the
	// Decision does not allow to take it over.
	ErrOwned = errors.New("belongs to another LLMBackend or does not say to which")
	// ErrForeign: an EndpointSlice that the operator did not make has the name of one of its slices. A
	// person has to delete it.
	ErrForeign = errors.New("was not made by the operator")
)

// Publisher writes the Service and its EndpointSlices. It is safe for concurrent use, but calls for one
// Service should not overlap: they would only refuse each other's writes.
//
// Every write is bound to what was read before it: an existing object is written with its UID and
// resourceVersion, an absent one is made with Create. Reads come from the cache. If a write is refused
// because the cache was behind, the object is read live once and the decision made again from that; a
// second refusal is returned, for the caller to start over.
type Publisher struct {
	// Client reads from the cache, which has to watch Services and EndpointSlices, and writes.
	Client client.Client
	// Live reads from the API server.
	//
	// Reading an Endpoints object, which ForeignEndpoints does, makes the API server send a deprecation
	// warning that client-go logs each time. To keep it out of the log, build Live from a copy of the
	// rest.Config with WarningHandlerWithContext set to rest.NoWarnings{}.
	Live client.Reader
	// Conflicted, if it is set, is told of each write of a slice that was refused because the slice was no longer
	// as it was read. It is called concurrently.
	Conflicted func()
}

// cacheBehind reports whether a write was refused because the object is no longer as it was read.
func cacheBehind(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err)
}

// convert turns an apply configuration into the typed object that Create needs, so that what is created
// and what is applied cannot differ.
func convert(applyConfiguration any, object client.Object) error {
	data, err := json.Marshal(applyConfiguration)
	if err != nil {
		return fmt.Errorf("encode apply configuration: %w", err)
	}
	if err := json.Unmarshal(data, object); err != nil {
		return fmt.Errorf("decode apply configuration: %w", err)
	}
	return nil
}
