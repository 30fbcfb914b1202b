// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package traffic

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// EnsureService returns the Service to publish behind, or the reason why there is none. It creates an
// absent Service, and brings one that the operator created up to date with its port, IP families and
// owner reference. It never changes any other.
func (p *Publisher) EnsureService(ctx context.Context, owner Owner, spec ServiceSpec, retain bool) (*corev1.Service, *Refusal, error) {
	key := client.ObjectKey{Namespace: owner.Namespace, Name: spec.Name}
	existing, err := getService(ctx, p.Client, key)
	if err != nil {
		return nil, nil, err
	}
	svc, refusal, err := p.ensureFrom(ctx, existing, owner, spec, retain)
	if cacheBehind(err) {
		if existing, err = getService(ctx, p.Live, key); err != nil {
			return nil, nil, err
		}
		svc, refusal, err = p.ensureFrom(ctx, existing, owner, spec, retain)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("Service %s: %w", key, err)
	}
	return svc, refusal, nil
}

func (p *Publisher) ensureFrom(ctx context.Context, existing *corev1.Service, owner Owner, spec ServiceSpec, retain bool) (*corev1.Service, *Refusal, error) {
	if existing == nil {
		return p.createService(ctx, owner, spec, retain)
	}
	if refusal := checkUsable(existing, owner.Name); refusal != nil {
		return nil, refusal, nil
	}
	if createdByOperator(existing, owner.Name) && !serviceCurrent(existing, owner, spec, retain) {
		updated, err := p.updateService(ctx, existing, owner, spec, retain)
		if err != nil {
			return nil, nil, err
		}
		existing = updated
	}
	if refusal := checkPort(existing, spec.Port); refusal != nil {
		return nil, refusal, nil
	}
	return existing, nil, nil
}

func (p *Publisher) createService(ctx context.Context, owner Owner, spec ServiceSpec, retain bool) (*corev1.Service, *Refusal, error) {
	svc := &corev1.Service{}
	if err := convert(DesiredService(owner, spec, retain), svc); err != nil {
		return nil, nil, err
	}
	if err := p.Client.Create(ctx, svc, client.FieldOwner(FieldManager)); err != nil {
		return nil, nil, fmt.Errorf("create: %w", err)
	}
	return svc, nil, nil
}

// updateService writes a Service that the operator created, and fails with a conflict if it is no longer
// as it was read.
func (p *Publisher) updateService(ctx context.Context, existing *corev1.Service, owner Owner, spec ServiceSpec, retain bool) (*corev1.Service, error) {
	// Apply cannot remove what Create or somebody else set: the former port, whose name the new one
	// takes, and stale owner references. A patch does.
	if pruned := prunedService(existing, owner, spec, retain); pruned != nil {
		if err := p.patch(ctx, pruned, existing); err != nil {
			return nil, fmt.Errorf("patch: %w", err)
		}
		if existing = pruned; serviceCurrent(existing, owner, spec, retain) {
			return existing, nil
		}
	}

	desired := DesiredService(owner, spec, retain).WithUID(existing.UID).WithResourceVersion(existing.ResourceVersion)
	if name, ok := PortName(existing, spec.Port); ok {
		desired.Spec.Ports[0].WithName(name)
	}
	if err := p.Client.Apply(ctx, desired, client.FieldOwner(FieldManager), client.ForceOwnership); err != nil {
		return nil, fmt.Errorf("apply: %w", err)
	}
	// Apply merges the API server's answer into the configuration that was sent, which is no clean copy.
	updated, err := getService(ctx, p.Live, client.ObjectKeyFromObject(existing))
	if err == nil && updated == nil {
		err = errors.New("deleted right after it was applied")
	}
	return updated, err
}

// prunedService returns existing without what has to go from it and with the port that takes the place
// of the former one, or nil if nothing has to go.
func prunedService(existing *corev1.Service, owner Owner, spec ServiceSpec, retain bool) *corev1.Service {
	kept := keptReferences(existing.OwnerReferences, owner, retain)
	_, hasPort := PortName(existing, spec.Port)
	if hasPort && len(kept) == len(existing.OwnerReferences) {
		return nil
	}
	pruned := existing.DeepCopy()
	pruned.OwnerReferences = kept
	if !hasPort {
		pruned.Spec.Ports = []corev1.ServicePort{{
			Name:     portNameFor(spec.Scheme),
			Protocol: corev1.ProtocolTCP,
			Port:     spec.Port,
		}}
	}
	return pruned
}

// getService returns nil if there is no such Service.
func getService(ctx context.Context, reader client.Reader, key client.ObjectKey) (*corev1.Service, error) {
	svc := &corev1.Service{}
	if err := reader.Get(ctx, key, svc); apierrors.IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read Service %s: %w", key, err)
	}
	return svc, nil
}
