// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"context"
	"errors"
	"fmt"
	"sync"

	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Result says what Publish wrote, in the order of the slices' names. It is empty if nothing was to do.
type Result struct {
	Writes []Write
}

// Action is what was done to a slice.
type Action string

// The actions of a Write.
const (
	Created Action = "Created"
	Applied Action = "Applied"
	Deleted Action = "Deleted"
)

// Write is one EndpointSlice that was written, with its addresses before and after.
type Write struct {
	Slice  string
	Action Action
	Before []string
	After  []string
}

// Publish makes the API server show the desired slices, and deletes obsolete ones. If everything is
// current it writes nothing. The slices of two families are written at the same time.
//
// An error that wraps ErrNewer or ErrOwned and comes with an empty Result means that nothing was written.
// Other errors leave the rest written: what was is in the Result either way.
func (p *Publisher) Publish(ctx context.Context, desired Desired) (Result, error) {
	changes, err := readAll(ctx, p.Client, changesOf(desired))
	if err != nil {
		return Result{}, err
	}
	for _, c := range changes {
		if _, err := c.decide(); errors.Is(err, ErrNewer) || errors.Is(err, ErrOwned) {
			return Result{}, err
		}
	}
	return carryOutAll(changes, func(c change) (*Write, error) { return p.settle(ctx, c) })
}

// PublishOver is Publish for when a slice shows a newer decision than the caller's, and the caller believes its own
// all the same: a restored backup has undone the other. The slices are read live, then stillStored is called, which
// returns an error unless the caller's decision is the one that is stored, and only slices that are still as they
// were read are written.
func (p *Publisher) PublishOver(ctx context.Context, desired Desired, stillStored func() error) (Result, error) {
	changes, err := readAll(ctx, p.Live, changesOf(desired))
	if err != nil {
		return Result{}, err
	}
	if err := stillStored(); err != nil {
		return Result{}, err
	}
	return carryOutAll(changes, func(c change) (*Write, error) {
		c.restored = true
		return p.carryOut(ctx, c)
	})
}

// readAll reads what the changes are about.
func readAll(ctx context.Context, reader client.Reader, changes []change) ([]change, error) {
	for i := range changes {
		existing, err := getSlice(ctx, reader, changes[i].slice)
		if err != nil {
			return nil, err
		}
		changes[i].existing = existing
	}
	return changes, nil
}

// carryOutAll carries out all changes at the same time.
func carryOutAll(changes []change, carryOut func(change) (*Write, error)) (Result, error) {
	writes := make([]*Write, len(changes))
	errs := make([]error, len(changes))
	var group sync.WaitGroup
	for i, c := range changes {
		group.Go(func() { writes[i], errs[i] = carryOut(c) })
	}
	group.Wait()

	var result Result
	for _, write := range writes {
		if write != nil {
			result.Writes = append(result.Writes, *write)
		}
	}
	return result, errors.Join(errs...)
}

// settle carries out one change, and decides once more from a live read if the cache was behind.
func (p *Publisher) settle(ctx context.Context, c change) (*Write, error) {
	write, err := p.carryOut(ctx, c)
	if !cacheBehind(err) {
		return write, err
	}
	if p.Conflicted != nil {
		p.Conflicted()
	}
	live, readErr := getSlice(ctx, p.Live, c.slice)
	if readErr != nil {
		return nil, readErr
	}
	if live == nil && c.existing != nil && !c.obsolete {
		// Nothing is left that says whether this decision is still the newest, so only a caller that
		// starts over may create the slice again.
		return nil, fmt.Errorf("slice was deleted meanwhile: %w", err)
	}
	c.existing = live
	return p.carryOut(ctx, c)
}

func (p *Publisher) carryOut(ctx context.Context, c change) (*Write, error) {
	action, err := c.decide()
	if err != nil || action == "" {
		return nil, err
	}
	write := &Write{Slice: c.slice.Name, Action: action, Before: addressesIn(c.existing)}
	switch action {
	case Created:
		err = p.create(ctx, c.slice)
	case Applied:
		err = p.apply(ctx, c.slice, c.existing)
	case Deleted:
		err = p.delete(ctx, c.existing)
	}
	if err != nil {
		return nil, fmt.Errorf("EndpointSlice %s/%s: %w", c.slice.Owner.Namespace, c.slice.Name, err)
	}
	if action != Deleted {
		write.After = c.slice.addressStrings()
	}
	return write, nil
}

func (p *Publisher) create(ctx context.Context, slice Slice) error {
	object := &discoveryv1.EndpointSlice{}
	if err := convert(slice.applyConfiguration(), object); err != nil {
		return err
	}
	if err := p.Client.Create(ctx, object, client.FieldOwner(FieldManager)); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	return nil
}

// apply writes the slice over the existing one, and fails with a conflict if that is no longer as it was
// read, also if it was deleted.
func (p *Publisher) apply(ctx context.Context, slice Slice, existing *discoveryv1.EndpointSlice) error {
	// Apply cannot remove a reference that Create or somebody else set, and a second controller reference
	// beside it would be refused.
	if kept := keptReferences(existing.OwnerReferences, slice.Owner, slice.Retain); len(kept) != len(existing.OwnerReferences) {
		freed := existing.DeepCopy()
		freed.OwnerReferences = kept
		if err := p.patch(ctx, freed, existing); err != nil {
			return fmt.Errorf("remove owner references: %w", err)
		}
		if existing = freed; Compare(existing, slice) == Current {
			return nil
		}
	}
	config := slice.applyConfiguration().WithUID(existing.UID).WithResourceVersion(existing.ResourceVersion)
	if err := p.Client.Apply(ctx, config, client.FieldOwner(FieldManager), client.ForceOwnership); err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	return nil
}

// patch writes the difference between two versions of an object, and stores the answer in changed. It
// fails with a conflict if the object is no longer as it was read.
func (p *Publisher) patch(ctx context.Context, changed, original client.Object) error {
	patch := client.MergeFromWithOptions(original, client.MergeFromWithOptimisticLock{})
	return p.Client.Patch(ctx, changed, patch, client.FieldOwner(FieldManager))
}

func (p *Publisher) delete(ctx context.Context, existing *discoveryv1.EndpointSlice) error {
	asRead := client.Preconditions{UID: &existing.UID, ResourceVersion: &existing.ResourceVersion}
	if err := p.Client.Delete(ctx, existing, asRead); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return nil
}

// getSlice returns nil if there is no such slice.
func getSlice(ctx context.Context, reader client.Reader, slice Slice) (*discoveryv1.EndpointSlice, error) {
	key := client.ObjectKey{Namespace: slice.Owner.Namespace, Name: slice.Name}
	existing := &discoveryv1.EndpointSlice{}
	if err := reader.Get(ctx, key, existing); apierrors.IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read EndpointSlice %s: %w", key, err)
	}
	return existing, nil
}
