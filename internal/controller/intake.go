// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"net/netip"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/signals/intake"
)

// IntakeOptions say where outcomes of real traffic are taken.
type IntakeOptions struct {
	intake.Options
	// LeadsTo is where the Service of the options is to lead while this replica leads; the zero value leaves the
	// Service alone.
	LeadsTo netip.AddrPort
}

// addIntake has the manager take outcomes of real traffic.
func (r *Reconciler) addIntake(mgr ctrl.Manager, opts IntakeOptions) error {
	opts.Leads = func() bool {
		select {
		case <-mgr.Elected():
			return true
		default:
			return false
		}
	}
	if err := mgr.Add(intake.NewServer(opts.Options, r, mgr.GetClient())); err != nil {
		return err
	}
	if !opts.LeadsTo.IsValid() {
		return nil
	}
	return mgr.Add(&intake.Lead{
		Client: mgr.GetClient(), Live: r.Live,
		Service: opts.Service, Address: opts.LeadsTo.Addr(), Port: opts.LeadsTo.Port(),
	})
}

// Check says whether outcomes of an LLMBackend can be taken now. It is part of [intake.Sink].
func (r *Reconciler) Check(ctx context.Context, key types.NamespacedName) error {
	if r.backends.get(key) != nil {
		return nil
	}
	err := r.Client.Get(ctx, key, &llmv1alpha1.LLMBackend{})
	if apierrors.IsNotFound(err) {
		return intake.ErrNotFound
	}
	return intake.ErrStarting
}

// Take hands the decision what real traffic has seen. It is part of [intake.Sink].
func (r *Reconciler) Take(key types.NamespacedName, outcomes []intake.Outcome) error {
	e := r.backends.get(key)
	if e == nil {
		return intake.ErrStarting
	}
	return e.backend.take(outcomes)
}

// take counts outcomes in the breakers of their regions: all of them, or none if one has no region.
func (b *backend) take(outcomes []intake.Outcome) error {
	b.mu.Lock()
	if b.reads == nil || b.stopped {
		b.mu.Unlock()
		return intake.ErrStarting
	}
	for _, o := range outcomes {
		if b.regions[o.Region] == nil {
			err := &intake.UnknownRegionError{Region: o.Region, Known: b.regionNames()}
			b.mu.Unlock()
			return err
		}
	}
	now := time.Now()
	for _, o := range outcomes {
		b.traffic(now, o.Region, b.reads.Classify(o.Response), o.Times)
	}
	ask := b.poll(now)
	b.mu.Unlock()
	if ask {
		b.ask()
	}
	return nil
}

func (b *backend) traffic(now time.Time, region string, o failover.Outcome, times int) {
	for range times {
		b.machine.Traffic(now, region, o)
	}
}

func (b *backend) regionNames() []string {
	names := make([]string, 0, len(b.regions))
	for name := range b.regions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
