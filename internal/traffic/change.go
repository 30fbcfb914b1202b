// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"fmt"

	discoveryv1 "k8s.io/api/discovery/v1"
)

// change is one slice's part of Publish.
type change struct {
	slice    Slice
	obsolete bool // to be deleted, not written
	takeOver bool
	restored bool                       // a newer decision was undone by a restored backup
	existing *discoveryv1.EndpointSlice // nil if absent
}

func changesOf(desired Desired) []change {
	var changes []change
	for _, slice := range desired.Slices {
		changes = append(changes, change{slice: slice, takeOver: desired.TakeOver})
	}
	for _, slice := range desired.Obsolete {
		changes = append(changes, change{slice: slice, takeOver: desired.TakeOver, obsolete: true})
	}
	return changes
}

// decide returns what to do, "" for nothing, or why it must not be done.
func (c change) decide() (Action, error) {
	if c.existing == nil {
		if c.obsolete {
			return "", nil
		}
		return Created, nil
	}
	switch verdict := Compare(c.existing, c.slice); {
	case verdict == Newer && !c.restored:
		return "", c.refused(ErrNewer)
	case verdict == TakeOver && !c.takeOver:
		return "", c.refused(ErrOwned)
	case verdict == NotOurs && c.obsolete:
		return "", nil // ForeignEndpoints names it
	case verdict == NotOurs:
		return "", c.refused(ErrForeign)
	case c.obsolete:
		return Deleted, nil
	case verdict == Current:
		return "", nil
	}
	return Applied, nil
}

func (c change) refused(reason error) error {
	return fmt.Errorf("EndpointSlice %s/%s %w", c.slice.Owner.Namespace, c.slice.Name, reason)
}

func addressesIn(slice *discoveryv1.EndpointSlice) []string {
	if slice == nil {
		return nil
	}
	var addresses []string
	for _, endpoint := range slice.Endpoints {
		addresses = append(addresses, endpoint.Addresses...)
	}
	return addresses
}
