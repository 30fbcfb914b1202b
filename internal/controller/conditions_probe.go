// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
)

// inconclusiveReasons are why the newest probes say nothing, where a person can do something about it.
var inconclusiveReasons = map[failover.Cause]string{
	failover.BadCredentials: llmv1alpha1.ReasonBadCredentials,
	failover.NoCredentials:  llmv1alpha1.ReasonCredentialsUnreadable,
	failover.ModelMissing:   llmv1alpha1.ReasonModelMissing,
	failover.NotFound:       llmv1alpha1.ReasonNotFound,
	failover.BadRequest:     llmv1alpha1.ReasonBadRequest,
	failover.NoBudget:       llmv1alpha1.ReasonBudgetExhausted,
}

// inconclusiveAdvice says what to do about it.
var inconclusiveAdvice = map[failover.Cause]string{
	failover.NoCause: "no answer can be read, or the operator cannot make the probe: look at path and type of the probe, and at the operator's log",
	failover.BadCredentials: "the credential of the probe is refused (401, 403): put a valid one into the Secret that probe.authorization names, " +
		"or name one there",
	failover.NoCredentials: "the credential or a certificate for the probe cannot be read",
	failover.NoBudget: "a completion would have to tell, and the budget for completions is used up: wait, or raise probe.budget, " +
		"or let probe.type be one that is free and ask for completions by probe.ladder",
	failover.ModelMissing: "the model that spec.model names is not there: deploy it in the region, or correct the name",
	failover.NotFound:     "there is nothing at the path of the probe (404, or a redirect): correct probe.http.path",
	failover.BadRequest:   "the request of the probe is refused (4xx), which says nothing of the region: look at type and path of the probe, and at spec.model",
}

// inconclusiveCondition names the regions of which the newest probes say nothing, and what to do. Its reason is that
// of the first of them. What probes have said is kept until they say something else, also over a restart.
func inconclusiveCondition(f facts) *metav1.Condition {
	var reason string
	var parts []string
	for i, r := range f.config.Regions {
		if !f.view.Inconclusive[i] {
			continue
		}
		cause := f.view.Causes[i]
		reason = cmp.Or(reason, inconclusiveReasons[cause], llmv1alpha1.ReasonNoReadableAnswer)
		advice := inconclusiveAdvice[cause]
		if problem := f.credentialProblems[r.Name]; problem != "" && cause == failover.NoCredentials {
			advice = problem
		}
		parts = append(parts, fmt.Sprintf("region %s: %s", r.Name, advice))
	}
	if len(parts) > 0 {
		return yes(reason, "the newest probes say nothing about health. "+strings.Join(parts, "; "))
	}
	before := meta.FindStatusCondition(f.backend.Status.Conditions, llmv1alpha1.ConditionProbeInconclusive)
	if before != nil && f.unheard() {
		return yes(before.Reason, before.Message)
	}
	return nil
}

// budgetCondition names the regions whose probes may ask for no more completions, and what that means.
func budgetCondition(f facts) *metav1.Condition {
	if len(f.exhausted) == 0 {
		return nil
	}
	return yes(llmv1alpha1.ReasonBudgetExhausted, fmt.Sprintf("the completions that probes may ask for are used up in: %s. "+
		"Until more are allowed, probes ask what is free; where a completion has failed before, that is no sign of recovery. "+
		"Raise probe.budget if that is too little", strings.Join(f.exhausted, ", ")))
}

// exhausted returns the failing regions whose quota is used up, as the status says.
func exhausted(f facts) []string {
	var names []string
	for _, r := range f.backend.Status.Regions {
		if r.Breaker.State == llmv1alpha1.BreakerOpen && r.Breaker.Reason == failover.QuotaExhausted.String() {
			names = append(names, r.Name)
		}
	}
	return names
}

// quotaCondition tells an exhausted quota from other failures: it does not pass by itself.
func quotaCondition(f facts, failing []string) *metav1.Condition {
	names := exhausted(f)
	message := fmt.Sprintf("the quota of the account is used up in: %s. Raise it or pay the bill at the provider, and reset or wait",
		strings.Join(names, ", "))
	others := slices.DeleteFunc(slices.Clone(failing), func(name string) bool { return slices.Contains(names, name) })
	if len(others) > 0 {
		message += ". Failing: " + strings.Join(others, ", ")
	}
	return yes(llmv1alpha1.ReasonQuotaExhausted, message)
}
