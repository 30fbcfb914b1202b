// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	discoveryv1apply "k8s.io/client-go/applyconfigurations/discovery/v1"
	metav1apply "k8s.io/client-go/applyconfigurations/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/traffic"
)

// bareWrites makes the two writes of a failover, back to the primary, for every LLMBackend, by a client that
// does nothing else. The operator has ended, so that the API server has the machine to itself.
func bareWrites(ctx context.Context, w *world, r *report) error {
	if err := w.stopOperators(ctx); err != nil {
		return err
	}
	bare, err := w.readBare(ctx)
	if err != nil {
		return err
	}
	before, err := w.cpu()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := w.each(ctx, func(ctx context.Context, b backend) error { return w.writeBoth(ctx, bare[b]) }); err != nil {
		return err
	}
	r.BareWritesPerSecond = round(float64(2*w.backends) / time.Since(began).Seconds())
	after, err := w.cpu()
	if err != nil {
		return err
	}
	r.Context.BareWrites = after.since(before)

	if bare, err = w.readBare(ctx); err != nil {
		return err
	}
	var took []time.Duration
	for b := range backend(r.Context.SingleFailovers) {
		one, err := w.timeBoth(ctx, bare[b])
		if err != nil {
			return err
		}
		took = append(took, one)
	}
	r.Context.BareTwoWritesAloneMsP50 = milliseconds(percentile(took, 50))
	r.Context.BareTwoWritesAloneMsP99 = milliseconds(percentile(took, 99))
	return nil
}

// copies are pairs for the bare client in a namespace that no operator looks at, so that they can be written while it
// works. Each is made after an LLMBackend and the slice that the operator has published for it, with a name that the
// watcher does not count.
func (w *world) copies(ctx context.Context, n int) ([]pair, error) {
	pairs := make([]pair, n)
	for i := range pairs {
		var err error
		if pairs[i], err = w.copyPair(ctx, backend(i)); err != nil {
			return nil, fmt.Errorf("copy %s for the bare client: %w", backend(i).name(), err)
		}
	}
	return pairs, nil
}

func (w *world) copyPair(ctx context.Context, number backend) (pair, error) {
	original, published, err := w.readOne(ctx, shardNamespace(int(number)%w.shards), number.name())
	if err != nil {
		return pair{}, err
	}
	before := &llmv1alpha1.LLMBackend{
		ObjectMeta: metav1.ObjectMeta{Namespace: bareNamespace, Name: "bare-" + number.name()}, Spec: original.Spec,
	}
	if err := w.client.Create(ctx, before); err != nil {
		return pair{}, err
	}
	created := before.DeepCopy()
	before.Status = original.Status
	if err := w.client.Status().Patch(ctx, before, client.MergeFrom(created), client.FieldOwner(traffic.FieldManager)); err != nil {
		return pair{}, err
	}
	slice := sliceOf(published, before, number)
	slice.UID, slice.ResourceVersion = nil, nil
	slice.WithName(sliceName(before.Name)).WithNamespace(bareNamespace)
	if err := w.client.Apply(ctx, slice, client.FieldOwner(traffic.FieldManager)); err != nil {
		return pair{}, err
	}
	if before, published, err = w.readOne(ctx, bareNamespace, before.Name); err != nil {
		return pair{}, err
	}
	after := movedBack(before)
	return pair{before: before, after: after, slice: sliceOf(published, after, number)}, nil
}

// readOne reads one LLMBackend and its slice.
func (w *world) readOne(ctx context.Context, namespace, name string) (*llmv1alpha1.LLMBackend, *discoveryv1.EndpointSlice, error) {
	b, slice := &llmv1alpha1.LLMBackend{}, &discoveryv1.EndpointSlice{}
	err := errors.Join(
		w.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, b),
		w.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: sliceName(name)}, slice),
	)
	return b, slice, err
}

// sliceName is that of the one slice of an LLMBackend, whose Service has its name.
func sliceName(name string) string { return traffic.SliceName(name, corev1.IPv4Protocol) }

// pair is what the two writes change.
type pair struct {
	before, after *llmv1alpha1.LLMBackend
	slice         *discoveryv1apply.EndpointSliceApplyConfiguration
}

// readBare reads everything before, and works out what is to be written.
func (w *world) readBare(ctx context.Context) ([]pair, error) {
	backends, slices := &llmv1alpha1.LLMBackendList{}, &discoveryv1.EndpointSliceList{}
	if err := w.client.List(ctx, backends); err != nil {
		return nil, fmt.Errorf("list LLMBackends: %w", err)
	}
	if err := w.client.List(ctx, slices); err != nil {
		return nil, fmt.Errorf("list EndpointSlices: %w", err)
	}
	pairs := make([]pair, w.backends)
	for i := range backends.Items {
		before := &backends.Items[i]
		if number, ok := parseName(before.Name); ok {
			pairs[number].before, pairs[number].after = before, movedBack(before)
		}
	}
	for i := range slices.Items {
		if number, ok := parseName(slices.Items[i].Name); ok {
			p := &pairs[number]
			p.slice = sliceOf(&slices.Items[i], p.after, number)
		}
	}
	for number, p := range pairs {
		if p.before == nil || p.slice == nil {
			return nil, fmt.Errorf("%s or its slice is not there", backend(number).name())
		}
	}
	return pairs, nil
}

// timeBoth makes both writes, returns how long they took, and pauses before what is measured next.
func (w *world) timeBoth(ctx context.Context, p pair) (time.Duration, error) {
	began := time.Now()
	if err := w.writeBoth(ctx, p); err != nil {
		return 0, err
	}
	took := time.Since(began)
	return took, pause(ctx, betweenSingles)
}

func (w *world) writeBoth(ctx context.Context, p pair) error {
	patch := client.MergeFromWithOptions(p.before, client.MergeFromWithOptimisticLock{})
	if err := w.client.Status().Patch(ctx, p.after, patch, client.FieldOwner(traffic.FieldManager)); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	if err := w.client.Apply(ctx, p.slice, client.FieldOwner(traffic.FieldManager), client.ForceOwnership); err != nil {
		return fmt.Errorf("apply slice: %w", err)
	}
	return nil
}

// movedBack returns an LLMBackend whose status says the same of the other region, and so as much.
func movedBack(before *llmv1alpha1.LLMBackend) *llmv1alpha1.LLMBackend {
	after := before.DeepCopy()
	s := &after.Status
	now := metav1.NowMicro()
	from, to := s.ActiveRegion, primaryRegion
	if from == to {
		to = secondaryRegion
	}
	s.ActiveRegion, s.ActiveSince = to, &now
	s.TransitionSeq += 2
	s.ActiveSeq = s.TransitionSeq
	for i := range s.Regions {
		s.Regions[i].Breaker.Since = &now
	}
	s.History = append([]llmv1alpha1.Transition{
		{Seq: s.TransitionSeq, Time: now, Type: llmv1alpha1.TransitionFailedOver, From: from, To: to, Reason: "BreakerOpen",
			Message: fmt.Sprintf("traffic moves from region %s to %s: its breaker is open", from, to)},
		{Seq: s.TransitionSeq - 1, Time: now, Type: llmv1alpha1.TransitionBreakerOpened, Region: from, Reason: "Status503",
			Message: fmt.Sprintf("region %s stopped serving (Status503, seen by probes)", from)},
	}, s.History...)
	for i := range s.Conditions {
		s.Conditions[i].LastTransitionTime = metav1.Now()
		s.Conditions[i].Message += "."
	}
	return after
}

// sliceOf returns the slice as it is to be applied over the one that is there.
func sliceOf(existing *discoveryv1.EndpointSlice, owner *llmv1alpha1.LLMBackend, number backend) *discoveryv1apply.EndpointSliceApplyConfiguration {
	network := primaryNetwork
	if owner.Status.ActiveRegion == secondaryRegion {
		network = secondaryNetwork
	}
	return discoveryv1apply.EndpointSlice(existing.Name, existing.Namespace).
		WithUID(existing.UID).
		WithResourceVersion(existing.ResourceVersion).
		WithLabels(existing.Labels).
		WithAnnotations(map[string]string{
			traffic.TransitionSeqAnnotation: traffic.FormatTransitionSeq(owner.UID, owner.Status.ActiveSeq),
		}).
		WithOwnerReferences(metav1apply.OwnerReference().
			WithAPIVersion(llmv1alpha1.GroupVersion.String()).WithKind("LLMBackend").
			WithName(owner.Name).WithUID(owner.UID).WithController(true).WithBlockOwnerDeletion(true)).
		WithAddressType(existing.AddressType).
		WithPorts(discoveryv1apply.EndpointPort().
			WithName(*existing.Ports[0].Name).WithProtocol(corev1.ProtocolTCP).WithPort(regionPort)).
		WithEndpoints(discoveryv1apply.Endpoint().
			WithAddresses(number.address(network).String()).
			WithConditions(discoveryv1apply.EndpointConditions().WithReady(true)))
}
