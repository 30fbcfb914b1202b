// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
	"github.com/breakwater-dev/breakwater/internal/signals/prometheus"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// facts are what conditions rest on.
type facts struct {
	backend *llmv1alpha1.LLMBackend // with the status to report on, conditions excepted
	config  failover.Config
	view    failover.View
	// deciding: a failover is under way that has not found out yet whether it must hold.
	deciding bool
	// publication is what became of publishing; its zero value means that it is still to be done.
	publication publication
	// credentialProblems say, by region, why its probes have no credentials.
	credentialProblems map[string]string
	// signalProblems say, by region, why nothing is known of real traffic; nil if nobody asks.
	signalProblems map[string]prometheus.Problem
	// exhausted are the regions whose probes have no completions left.
	exhausted []string
}

// publication says how far the slices show what the status says.
type publication struct {
	// reason is one of the reasons of the condition Published.
	reason  string
	message string
	// shows: the slices show the active region, though perhaps not alone.
	shows bool
	// moved: they have just been made to show it, and the status is to be told later.
	moved bool
	// lookAgain is after what time to look at it again without being asked; 0 for never.
	lookAgain time.Duration
}

func (p publication) published() bool { return p.reason == llmv1alpha1.ReasonPublished }

// stalls says whether only a person can put it right.
func (p publication) stalls() bool {
	return p.reason == llmv1alpha1.ReasonServiceRefused || p.reason == llmv1alpha1.ReasonConflicted
}

// unfitReasons are the faults of an endpoint that only a person can put right.
var unfitReasons = map[failover.Fault]string{
	failover.ClusterIPEndpoint: llmv1alpha1.ReasonClusterIPEndpoint,
	failover.AddressFamily:     llmv1alpha1.ReasonAddressFamily,
	failover.AddressRefused:    llmv1alpha1.ReasonAddressRefused,
	failover.InvalidExpression: llmv1alpha1.ReasonInvalidExpression,

	failover.RefNotPermitted:     llmv1alpha1.ReasonRefNotPermitted,
	failover.ServicePortNotFound: llmv1alpha1.ReasonServicePortNotFound,
	failover.ExternalNameService: llmv1alpha1.ReasonExternalNameService,
	failover.PublishedService:    llmv1alpha1.ReasonPublishedService,
}

var unfitAdvice = map[failover.Fault]string{
	failover.ClusterIPEndpoint: "its address is the cluster IP of a Service, which would answer probes and swallow the traffic: refer to that Service by endpoint.serviceRef",
	failover.AddressFamily:     "it lacks an address in a family of the Service: add one, or set spec.service.ipFamilies",
	failover.AddressRefused:    "its address is loopback, link-local, multicast, the API server's own or otherwise not allowed: name an address that clients can reach",
	failover.InvalidExpression: "bodyExpression is not valid CEL about body: correct it, such as body.status == \"ok\"",

	failover.RefNotPermitted:     "the Service that it refers to is in another namespace, which does not allow that: create a ReferenceGrant there, from LLMBackends of this namespace to Services",
	failover.ServicePortNotFound: "the Service that it refers to has no such TCP port: name one of its spec.ports, by number or name",
	failover.ExternalNameService: "the Service that it refers to has type ExternalName, which has no endpoints: write the name as endpoint.url",
	failover.PublishedService:    "the Service that it refers to is published by an LLMBackend: refer to the Service that finds the Pods",
}

// setConditions brings the conditions of the status in line with the facts.
func setConditions(f facts) {
	conditions := &f.backend.Status.Conditions
	set := func(c *metav1.Condition, conditionType string) {
		if c == nil {
			meta.RemoveStatusCondition(conditions, conditionType)
			return
		}
		c.Type = conditionType
		c.ObservedGeneration = f.backend.Generation
		c.Message = cut(c.Message)
		meta.SetStatusCondition(conditions, *c)
	}
	published := publishedCondition(f)
	stalled := stalledCondition(f)
	set(published, llmv1alpha1.ConditionPublished)
	set(stalled, llmv1alpha1.ConditionStalled)
	set(readyCondition(f, published), llmv1alpha1.ConditionReady)
	set(failedOverCondition(f), llmv1alpha1.ConditionFailedOver)
	set(degradedCondition(f), llmv1alpha1.ConditionDegraded)
	set(inconclusiveCondition(f), llmv1alpha1.ConditionProbeInconclusive)
	set(signalsCondition(f), llmv1alpha1.ConditionSignalsUnavailable)
	set(budgetCondition(f), llmv1alpha1.ConditionProbeBudgetExhausted)
	set(removedCondition(f), llmv1alpha1.ConditionActiveRegionRemoved)
	set(limitedCondition(f), llmv1alpha1.ConditionFailoverLimited)
	set(pausedCondition(f), llmv1alpha1.ConditionPaused)
}

// maxConditionMessage keeps messages well below the 32 KiB that the API server takes.
const maxConditionMessage = 1024

func yes(reason, message string) *metav1.Condition {
	return &metav1.Condition{Status: metav1.ConditionTrue, Reason: reason, Message: message}
}

func no(reason, message string) *metav1.Condition {
	return &metav1.Condition{Status: metav1.ConditionFalse, Reason: reason, Message: message}
}

func publishedCondition(f facts) *metav1.Condition {
	switch {
	case f.publication.published():
		return yes(f.publication.reason, f.publication.message)
	case f.publication.reason == "":
		return no(llmv1alpha1.ReasonPending, "the EndpointSlices do not show the active region yet")
	default:
		return no(f.publication.reason, f.publication.message)
	}
}

// stalledCondition names what only a person can put right. What probes have said of an endpoint is kept
// until they say something else, also over a restart.
func stalledCondition(f facts) *metav1.Condition {
	if f.publication.stalls() {
		return yes(f.publication.reason, f.publication.message)
	}
	for i, r := range f.config.Regions {
		if reason, unfit := unfitReasons[f.view.Unfit[i]]; unfit {
			return yes(reason, fmt.Sprintf("region %s is no candidate: %s", r.Name, unfitAdvice[f.view.Unfit[i]]))
		}
	}
	before := meta.FindStatusCondition(f.backend.Status.Conditions, llmv1alpha1.ConditionStalled)
	if before != nil && f.unheard() && slices.Contains(slices.Collect(maps.Values(unfitReasons)), before.Reason) {
		return yes(before.Reason, before.Message)
	}
	return nil
}

// unheard says whether a region has not been heard of since this operator began, so that conditions about
// what probes said must not be taken back yet.
func (f facts) unheard() bool {
	return slices.Contains(f.view.Known[:len(f.config.Regions)], false)
}

func readyCondition(f facts, published *metav1.Condition) *metav1.Condition {
	active := f.backend.Status.ActiveRegion
	before := meta.FindStatusCondition(f.backend.Status.Conditions, llmv1alpha1.ConditionReady)
	switch {
	case f.publication.stalls():
		return no(llmv1alpha1.ReasonStalled, f.publication.message)
	case active == "":
		return no(llmv1alpha1.ReasonNotPublished, "no region is active yet")
	case f.view.Holding:
		return no(llmv1alpha1.ReasonNoHealthyRegion, fmt.Sprintf(
			"region %s fails and no other region answers: traffic stays, and every region is probed until one answers", active))
	case f.activeFailing() && f.deciding && before != nil && before.Reason == llmv1alpha1.ReasonNoHealthyRegion:
		return no(before.Reason, before.Message)
	case f.activeFailing() && f.limited():
		return no(llmv1alpha1.ReasonActiveRegionFailing, fmt.Sprintf("region %s is active and fails, and a limit keeps traffic there: see FailoverLimited", active))
	case f.activeFailing():
		return no(llmv1alpha1.ReasonActiveRegionFailing, fmt.Sprintf("region %s is active and fails", active))
	case published.Status != metav1.ConditionTrue:
		return no(llmv1alpha1.ReasonNotPublished, published.Message)
	case active != f.config.Regions[0].Name:
		return yes(llmv1alpha1.ReasonServingSecondary, fmt.Sprintf("traffic goes to region %s instead of the primary region %s", active, f.config.Regions[0].Name))
	default:
		return yes(llmv1alpha1.ReasonServing, fmt.Sprintf("traffic goes to the primary region %s", active))
	}
}

// activeFailing says whether the active region has left the spec or its breaker is stored as open.
func (f facts) activeFailing() bool {
	i := slices.IndexFunc(f.backend.Status.Regions, func(r llmv1alpha1.RegionStatus) bool {
		return r.Name == f.backend.Status.ActiveRegion
	})
	return i < 0 || f.backend.Status.Regions[i].Breaker.State == llmv1alpha1.BreakerOpen
}

// failedOverCondition is True while traffic is not on the primary; its reason is what brought it there.
func failedOverCondition(f facts) *metav1.Condition {
	s := &f.backend.Status
	if s.ActiveRegion == "" || s.ActiveRegion == f.config.Regions[0].Name {
		return nil
	}
	i := slices.IndexFunc(s.History, func(t llmv1alpha1.Transition) bool { return t.Seq == s.ActiveSeq })
	if i < 0 {
		return yes(string(llmv1alpha1.TransitionFailedOver), fmt.Sprintf("traffic goes to region %s", s.ActiveRegion))
	}
	return yes(string(s.History[i].Type), s.History[i].Message)
}

func degradedCondition(f facts) *metav1.Condition {
	var failing []string
	for _, r := range f.backend.Status.Regions {
		if r.Breaker.State == llmv1alpha1.BreakerOpen {
			failing = append(failing, r.Name)
		}
	}
	before := meta.FindStatusCondition(f.backend.Status.Conditions, llmv1alpha1.ConditionDegraded)
	switch {
	case before != nil && before.Reason == llmv1alpha1.ReasonWouldMove && f.config.Mode == failover.Observe &&
		f.view.Would == "" && (f.deciding || f.unheard()):
		return yes(before.Reason, before.Message)
	case f.view.Would != "":
		return yes(llmv1alpha1.ReasonWouldMove, fmt.Sprintf(
			"in mode Observe traffic stays; in mode Automatic it would have moved to region %s (%s)", f.view.WouldTo, f.view.Would))
	case len(exhausted(f)) > 0:
		return quotaCondition(f, failing)
	case len(failing) > 0:
		return yes(llmv1alpha1.ReasonRegionsFailing, "failing: "+strings.Join(failing, ", "))
	case len(f.config.Regions) == 1:
		return yes(llmv1alpha1.ReasonNoSecondary, "there is no region to fail over to: add one to spec.secondaries")
	default:
		return nil
	}
}

func removedCondition(f facts) *metav1.Condition {
	active := f.backend.Status.ActiveRegion
	if active == "" || slices.ContainsFunc(f.config.Regions, func(r failover.RegionConfig) bool { return r.Name == active }) {
		return nil
	}
	return yes(llmv1alpha1.ReasonNotInSpec, fmt.Sprintf(
		"region %s is no longer in the spec; its addresses stay published until another region has answered", active))
}

func pausedCondition(f facts) *metav1.Condition {
	value := f.backend.Annotations[llmv1alpha1.PausedAnnotation]
	switch p := translate.ParsePause(value); {
	case !f.view.Paused:
		return nil
	case p.Unreadable:
		return yes(llmv1alpha1.ReasonInvalidPauseValue, fmt.Sprintf(
			"nothing is moved, because the value of annotation %s cannot be read: write \"true\", or a time like 2026-01-31T18:00:00Z, or remove it",
			llmv1alpha1.PausedAnnotation))
	case p.Until.IsZero():
		return yes(llmv1alpha1.ReasonPausedByAnnotation, fmt.Sprintf(
			"nothing is moved until annotation %s is removed", llmv1alpha1.PausedAnnotation))
	default:
		return yes(llmv1alpha1.ReasonPausedUntil, "nothing is moved until "+value)
	}
}
