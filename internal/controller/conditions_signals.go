// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/signals/prometheus"
)

// signalAdvice says what to do about the problems of evaluations, whose names are the reasons.
var signalAdvice = map[prometheus.Problem]string{
	prometheus.NotAllowed: "the operator may not ask spec.signals.prometheus.server: write a server that its flag --prometheus-servers allows, " +
		"or ask the administrator to allow this one",
	prometheus.Unreachable: "the Prometheus server does not answer, or not as one: look at spec.signals.prometheus.server",
	prometheus.Refused:     "the Prometheus server refuses the query: try it there, with the placeholders filled in",
	prometheus.NoData:      "the query finds no series: look at selectors, and whether the server scrapes the exporter; write \"or vector(0)\" where no series means 0",
	prometheus.Ambiguous:   "the query gives something else than one number, or one that cannot be: add sum(...) around it",
}

// signalsCondition names the regions about which real traffic says nothing, and what to do. What was told is kept
// until something else is, also over a restart.
func signalsCondition(f facts) *metav1.Condition {
	if f.signalProblems == nil {
		return nil
	}
	var reason string
	var parts []string
	for _, r := range f.config.Regions {
		p, told := f.signalProblems[r.Name]
		switch {
		case !told:
			if before := meta.FindStatusCondition(f.backend.Status.Conditions, llmv1alpha1.ConditionSignalsUnavailable); before != nil {
				return yes(before.Reason, before.Message)
			}
		case p == prometheus.NotAllowed:
			return yes(string(p), signalAdvice[p])
		case p != "":
			reason = cmp.Or(reason, string(p))
			parts = append(parts, fmt.Sprintf("region %s: %s", r.Name, signalAdvice[p]))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return yes(reason, "nothing is known of real traffic. "+strings.Join(parts, "; "))
}
