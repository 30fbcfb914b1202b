// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package schedules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/traffic"
	"github.com/breakwater-dev/breakwater/internal/translate"
	"github.com/breakwater-dev/breakwater/test/schedules/apiserver"
)

// outcome is what a schedule came to.
type outcome struct {
	faults []string // what is wrong; empty if all is well
	// transcript returns what happened: all of it, or without the probes that say nothing new.
	transcript func(all bool) []string
}

// play plays the schedule of a seed.
func play(t *testing.T, k kinds, seed uint64) outcome {
	var o outcome
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, k, seed)
		randomScript(w)
		o.faults = w.run()
		o.transcript = w.transcript
	})
	return o
}

// run plays the script, heals the world, and returns what is wrong with what happened.
func (w *world) run() []string {
	collected := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(collected)
		w.collectGarbage(stop)
	}()
	slices.SortStableFunc(w.script, func(x, y step) int { return int(x.at - y.at) })
	for _, s := range w.script {
		time.Sleep(s.at - time.Since(w.began))
		if s.what != "" {
			w.notef("%s", s.what)
		}
		s.do()
	}
	time.Sleep(turmoil - time.Since(w.began))
	w.heal()
	settled, why := w.settle()
	time.Sleep(quiet)
	close(stop)
	<-collected
	w.stopOperator(false)
	w.ending.Wait()
	time.Sleep(patience) // what still records events gives up meanwhile
	var faults []string
	if why != "" {
		faults = append(faults, "it has not settled: "+why)
	}
	for _, v := range w.judge(settled) {
		faults = append(faults, inSeconds(v.At.Sub(w.began))+" "+v.Error())
	}
	return faults
}

// collectGarbage lets the garbage collector look from time to time.
func (w *world) collectGarbage(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(second + 1000*w.travel("garbage collector")):
			w.server.Collect()
		}
	}
}

// settle waits until everything is where it should be, and returns when nothing is to be written any more, or what
// is not right after all patience.
func (w *world) settle() (at time.Time, why string) {
	for end := time.Now().Add(patience); ; {
		if why = w.unsettled(); why == "" {
			time.Sleep(afterwards)
			if why = w.unsettled(); why == "" {
				return time.Now(), ""
			}
		}
		if !time.Now().Before(end) {
			return time.Time{}, why
		}
		time.Sleep(5 * second)
	}
}

// unsettled returns what is not as it should be while all regions answer; "" if nothing.
func (w *world) unsettled() string {
	for _, resource := range []string{apiserver.LLMBackends, apiserver.Services, apiserver.EndpointSlices} {
		if !w.server.Watched(resource) { // client-go waits up to a minute until it tries again
			return "the operator has not heard of all " + resource
		}
	}
	b := w.backend()
	if b == nil {
		return "there is no LLMBackend"
	}
	s := &b.Status
	for _, r := range s.Regions {
		if r.Breaker.State != llmv1alpha1.BreakerClosed {
			return "the breaker of region " + r.Name + " is open"
		}
	}
	stays := s.PinnedRegion != "" || b.Spec.Failover.Failback == llmv1alpha1.FailbackManual
	active := slices.IndexFunc(translate.Regions(b), func(r llmv1alpha1.Region) bool { return r.Name == s.ActiveRegion })
	switch {
	case active < 0, active > 0 && !stays:
		return fmt.Sprintf("region %s is active", s.ActiveRegion)
	case s.ObservedGeneration != b.Generation:
		return fmt.Sprintf("generation %d is observed of %d", s.ObservedGeneration, b.Generation)
	case s.PublishedSeq == nil || *s.PublishedSeq != s.ActiveSeq:
		return fmt.Sprintf("number %d is not published", s.ActiveSeq)
	case s.LastHandledReset != b.Annotations[llmv1alpha1.ResetAnnotation],
		s.LastHandledSwitch != b.Annotations[llmv1alpha1.SwitchRequestedAtAnnotation]:
		return "an order is not handled"
	}
	for _, condition := range []string{llmv1alpha1.ConditionReady, llmv1alpha1.ConditionPublished} {
		if c := meta.FindStatusCondition(s.Conditions, condition); !meta.IsStatusConditionTrue(s.Conditions, condition) {
			return fmt.Sprintf("condition %+v", c)
		}
	}
	return w.misdirected(b)
}

// misdirected returns what is wrong with Service and slice; "" if the slice holds addresses that the active region
// has.
func (w *world) misdirected(b *llmv1alpha1.LLMBackend) string {
	err := w.user.Get(w.ctx, client.ObjectKey{Namespace: namespace, Name: backendName}, &corev1.Service{})
	if apierrors.IsNotFound(err) {
		return "there is no Service"
	}
	w.must(err)
	list := &discoveryv1.EndpointSliceList{}
	w.must(w.user.List(w.ctx, list, client.InNamespace(namespace)))
	if len(list.Items) != 1 {
		return fmt.Sprintf("there are %d slices", len(list.Items))
	}
	slice := &list.Items[0]
	want := traffic.FormatTransitionSeq(b.UID, b.Status.ActiveSeq)
	if got := slice.Annotations[traffic.TransitionSeqAnnotation]; got != want {
		return fmt.Sprintf("the slice shows %s, want %s", got, want)
	}
	addresses := addressesIn(slice)
	if len(addresses) == 0 {
		return "the slice is empty"
	}
	region := translate.Regions(b)[slices.IndexFunc(translate.Regions(b), func(r llmv1alpha1.Region) bool { return r.Name == b.Status.ActiveRegion })]
	for _, a := range addresses {
		if !strings.Contains(region.Endpoint.URL, a) && !strings.Contains(region.Endpoint.URL, host(region.Name)) || !strings.HasPrefix(a, prefixOf(region.Name)) {
			return fmt.Sprintf("the slice holds %v, and region %s is at %s", addresses, region.Name, region.Endpoint.URL)
		}
	}
	return ""
}

func prefixOf(region string) string {
	return strings.TrimSuffix(addressesOf(region, 1)[0].String(), "0")
}
