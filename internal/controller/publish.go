// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/traffic"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// publish makes the slices show the active region.
func (r *Reconciler) publish(ctx context.Context, s *scope) (publication, error) {
	ctx, span := r.span(ctx, "publish")
	defer span.End()
	if s.plan.View.Paused || s.stored.Status.ActiveRegion == "" {
		return publicationBefore(&s.stored.Status), nil
	}
	p, err := r.publishRegion(ctx, s)
	if err != nil {
		s.entry.untrusted.Store(true)
	}
	return p, err
}

func (r *Reconciler) publishRegion(ctx context.Context, s *scope) (publication, error) {
	untrusted := s.entry.untrusted.Swap(false)
	if !untrusted && s.shownAlready() {
		if s.saysPublished() {
			return s.confirmed(), nil
		}
		return r.checkAlone(ctx, s)
	}
	existing, err := r.slicesOf(ctx, s)
	if err != nil {
		return publication{}, err
	}
	if owner, err := r.otherOwner(ctx, s, existing); err != nil {
		return publication{}, err
	} else if owner != "" {
		s.entry.shown.Store(nil)
		return publication{reason: llmv1alpha1.ReasonConflicted, message: fmt.Sprintf(
			"Service %s belongs to LLMBackend %s, which was there first: re-create this one with another spec.service.name",
			translate.ServiceName(s.stored), owner)}, nil
	}
	svc, refusal, err := r.Publisher.EnsureService(ctx, s.owner(), serviceSpecOf(s.stored), retains(s.stored))
	if err != nil {
		return refusedWrite(err)
	}
	if refusal != nil {
		s.entry.shown.Store(nil)
		return publication{reason: llmv1alpha1.ReasonServiceRefused, message: refusal.Message}, nil
	}
	return r.publishSlices(ctx, s, svc, existing)
}

func (r *Reconciler) publishSlices(ctx context.Context, s *scope, svc *corev1.Service, existing []discoveryv1.EndpointSlice) (publication, error) {
	active := s.stored.Status.ActiveRegion
	to := s.toShow(existing)
	to.addresses = slices.DeleteFunc(slices.Clone(to.addresses), func(a netip.Addr) bool { return !r.Permits(a) })
	portName, _ := traffic.PortName(svc, s.stored.Spec.Service.Port)
	desired := traffic.DesiredSlices(traffic.Decision{
		Owner: s.owner(), Service: svc.Name, Families: svc.Spec.IPFamilies,
		PortName: portName, Port: to.port, Addresses: to.addresses,
		Seq: s.stored.Status.ActiveSeq, Retain: retains(s.stored), TakeOver: true,
	})
	if len(desired.Slices) == 0 {
		return publication{reason: llmv1alpha1.ReasonPending, message: fmt.Sprintf(
			"no address of region %s is known that may be published in a family of Service %s", active, svc.Name)}, nil
	}
	s.entry.publishing.Store(&desired.Slices)
	result, err := r.write(ctx, s, desired, existing)
	r.recordWrites(s, result.Writes)
	if err != nil {
		s.entry.publishing.Store(nil)
		return refusedWrite(err)
	}
	s.entry.shown.Store(&shown{generation: s.stored.Generation, seq: s.stored.Status.ActiveSeq, to: to, slices: desired.Slices})
	s.entry.publishing.Store(nil)
	s.entry.backend.published(to)
	r.notePublished(s)
	if len(result.Writes) > 0 && s.unconfirmed() {
		return publication{moved: true}, nil
	}
	return r.checkAlone(ctx, s)
}

// checkAlone looks whether others share the traffic of the Service.
func (r *Reconciler) checkAlone(ctx context.Context, s *scope) (publication, error) {
	name := translate.ServiceName(s.stored)
	existing, err := r.cachedSlices(ctx, s)
	if err != nil {
		return publication{}, err
	}
	foreign, err := r.Publisher.ForeignEndpoints(ctx, s.stored.Namespace, name, existing)
	if err != nil {
		return publication{}, err
	}
	if len(foreign) > 0 {
		return publication{reason: llmv1alpha1.ReasonForeignEndpoints, shows: true, lookAgain: foreignPeriod, message: fmt.Sprintf(
			"others publish behind Service %s too and share its traffic: delete %s", name, strings.Join(foreign, ", "))}, nil
	}
	return s.confirmed(), nil
}

func (s *scope) confirmed() publication {
	return publication{reason: llmv1alpha1.ReasonPublished, shows: true, message: fmt.Sprintf(
		"the EndpointSlices of Service %s show region %s", translate.ServiceName(s.stored), s.stored.Status.ActiveRegion)}
}

// unconfirmed says whether the status does not say yet that the active region is published.
func (s *scope) unconfirmed() bool {
	status := &s.stored.Status
	return status.PublishedSeq == nil || *status.PublishedSeq != status.ActiveSeq
}

// saysPublished says whether the status says that the active region is published.
func (s *scope) saysPublished() bool {
	return !s.unconfirmed() && meta.IsStatusConditionTrue(s.stored.Status.Conditions, llmv1alpha1.ConditionPublished)
}

// shownAlready says whether what this operator published last is what is to be published now.
func (s *scope) shownAlready() bool {
	last := s.entry.shown.Load()
	if last == nil || last.generation != s.stored.Generation || last.seq != s.stored.Status.ActiveSeq {
		return false
	}
	return s.toShow(nil).equal(last.to)
}

// toShow returns what is to be published of the active region. It is, in this order: what answers; what was
// published last; what the slices show for this very decision; and, where nothing is known, all that the
// endpoint has.
func (s *scope) toShow(existing []discoveryv1.EndpointSlice) destination {
	e := s.entry.backend.endpoint(s.stored.Status.ActiveRegion)
	if len(e.answering) > 0 {
		return destination{e.answering, e.port}
	}
	if last := s.entry.shown.Load(); last != nil && last.seq == s.stored.Status.ActiveSeq && !last.to.empty() {
		return last.to
	}
	if shown := shownBy(existing, s.stored.UID, s.stored.Status.ActiveSeq); !shown.empty() {
		return shown
	}
	return destination{e.resolved, e.port}
}

// shownBy returns what the slices show for the decision with that seq.
func shownBy(existing []discoveryv1.EndpointSlice, uid types.UID, seq int64) destination {
	var to destination
	for i := range existing {
		slice := &existing[i]
		owner, shown, err := traffic.ParseTransitionSeq(slice.Annotations[traffic.TransitionSeqAnnotation])
		if err != nil || owner != uid || shown != seq || len(slice.Ports) == 0 || slice.Ports[0].Port == nil {
			continue
		}
		to.port = *slice.Ports[0].Port
		for _, endpoint := range slice.Endpoints {
			for _, text := range endpoint.Addresses {
				if addr, err := netip.ParseAddr(text); err == nil {
					to.addresses = append(to.addresses, addr)
				}
			}
		}
	}
	return to
}

// slicesOf returns all slices of the Service, foreign ones included. After a restored backup it reads past the cache
// until that shows what was published since.
func (r *Reconciler) slicesOf(ctx context.Context, s *scope) ([]discoveryv1.EndpointSlice, error) {
	cached, err := r.cachedSlices(ctx, s)
	if err != nil {
		return nil, err
	}
	s.entry.restored = s.entry.restored && !s.entry.shownIn(cached)
	if !s.entry.restored {
		return cached, nil
	}
	list := &discoveryv1.EndpointSliceList{}
	if err := r.Live.List(ctx, list, client.InNamespace(s.stored.Namespace),
		client.MatchingLabels{discoveryv1.LabelServiceName: translate.ServiceName(s.stored)}); err != nil {
		return nil, fmt.Errorf("list EndpointSlices past the cache: %w", err)
	}
	return list.Items, nil
}

// cachedSlices returns all slices of the Service that the cache has. They are not to be changed.
func (r *Reconciler) cachedSlices(ctx context.Context, s *scope) ([]discoveryv1.EndpointSlice, error) {
	list := &discoveryv1.EndpointSliceList{}
	if err := r.Client.List(ctx, list, client.InNamespace(s.stored.Namespace),
		client.MatchingFields{indexService: translate.ServiceName(s.stored)}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list EndpointSlices: %w", err)
	}
	return list.Items, nil
}

// otherOwner returns the name of the LLMBackend that the Service belongs to if it is not this one.
func (r *Reconciler) otherOwner(ctx context.Context, s *scope, existing []discoveryv1.EndpointSlice) (string, error) {
	list := &llmv1alpha1.LLMBackendList{}
	err := r.Client.List(ctx, list, client.InNamespace(s.stored.Namespace),
		client.MatchingFields{indexService: translate.ServiceName(s.stored)}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return "", fmt.Errorf("list LLMBackends of the Service: %w", err)
	}
	var claimants []traffic.Claimant
	names := map[types.UID]string{}
	for i := range list.Items {
		b := &list.Items[i]
		if b.DeletionTimestamp != nil {
			continue
		}
		claimants = append(claimants, traffic.Claimant{Name: b.Name, UID: b.UID, Created: b.CreationTimestamp.Time})
		names[b.UID] = b.Name
	}
	owner := traffic.ServiceOwner(claimants, traffic.Incumbent(existing))
	if owner == s.stored.UID {
		return "", nil
	}
	return names[owner], nil
}

func serviceSpecOf(b *llmv1alpha1.LLMBackend) traffic.ServiceSpec {
	spec := traffic.ServiceSpec{
		Name: translate.ServiceName(b), Port: b.Spec.Service.Port, Scheme: translate.Scheme(b.Spec.Primary.Endpoint),
	}
	for _, f := range b.Spec.Service.IPFamilies {
		spec.IPFamilies = append(spec.IPFamilies, corev1.IPFamily(f))
	}
	return spec
}

func retains(b *llmv1alpha1.LLMBackend) bool {
	return b.Spec.Service.DeletionPolicy == llmv1alpha1.DeletionRetain
}

// refusedWrite tells what the API server, or the state of the slices, does not allow from what may pass on
// the next try. Both are tried again.
func refusedWrite(err error) (publication, error) {
	switch {
	case errors.Is(err, traffic.ErrForeign):
		return publication{reason: llmv1alpha1.ReasonForeignEndpoints, message: err.Error()}, err
	case errors.Is(err, traffic.ErrNewer), errors.Is(err, traffic.ErrOwned):
		return publication{reason: llmv1alpha1.ReasonWriteRefused, message: err.Error()}, err
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err):
		return publication{reason: llmv1alpha1.ReasonWriteRefused, message: cut(err.Error())}, err
	default:
		return publication{}, err
	}
}
