// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	discoveryac "k8s.io/client-go/applyconfigurations/discovery/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// lookPeriod is how often the leader looks whether its Service still leads to it.
const lookPeriod = 10 * time.Second

// portName is the name of the port of the Service.
const portName = "https"

// Lead keeps the EndpointSlice of a Service without selector on the replica that leads, so that senders need not know
// which one that is.
type Lead struct {
	// Client writes, Live reads past the cache.
	Client client.Client
	Live   client.Reader
	// Service is whose slice is written, and Address and Port are where this replica takes outcomes.
	Service types.NamespacedName
	Address netip.Addr
	Port    uint16
}

// NeedLeaderElection returns true: only the leader writes.
func (l *Lead) NeedLeaderElection() bool { return true }

// Start looks, and writes where needed, until ctx ends. The slice stays: the next leader takes it over.
func (l *Lead) Start(ctx context.Context) error {
	for {
		if err := l.ensure(ctx); err != nil && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "The Service for outcomes does not lead here")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait.Jitter(lookPeriod, 0.25)):
		}
	}
}

func (l *Lead) ensure(ctx context.Context) error {
	family, suffix := discoveryv1.AddressTypeIPv4, "-breakwater-ipv4"
	if l.Address.Unmap().Is6() {
		family, suffix = discoveryv1.AddressTypeIPv6, "-breakwater-ipv6"
	}
	slice := &discoveryv1.EndpointSlice{}
	key := client.ObjectKey{Namespace: l.Service.Namespace, Name: l.Service.Name + suffix}
	if err := l.Live.Get(ctx, key, slice); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("read EndpointSlice: %w", err)
	}
	if l.shownBy(slice) {
		return nil
	}
	apply := discoveryac.EndpointSlice(key.Name, key.Namespace).
		WithLabels(map[string]string{
			discoveryv1.LabelServiceName: l.Service.Name,
			discoveryv1.LabelManagedBy:   "llmbackend.breakwater.dev",
		}).
		WithAddressType(family).
		WithEndpoints(discoveryac.Endpoint().WithAddresses(l.Address.Unmap().String()).
			WithConditions(discoveryac.EndpointConditions().WithReady(true))).
		WithPorts(discoveryac.EndpointPort().WithName(portName).WithPort(int32(l.Port)))
	if err := l.Client.Apply(ctx, apply, client.ForceOwnership, client.FieldOwner("breakwater-outcomes")); err != nil {
		return fmt.Errorf("write EndpointSlice: %w", err)
	}
	return nil
}

func (l *Lead) shownBy(slice *discoveryv1.EndpointSlice) bool {
	return slice.Labels[discoveryv1.LabelServiceName] == l.Service.Name &&
		len(slice.Endpoints) == 1 && slices.Equal(slice.Endpoints[0].Addresses, []string{l.Address.Unmap().String()}) &&
		len(slice.Ports) == 1 && slice.Ports[0].Port != nil && *slice.Ports[0].Port == int32(l.Port)
}
