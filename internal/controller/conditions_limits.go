// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// limited says whether a limit keeps traffic from moving without an order.
func (f facts) limited() bool { return f.view.Waiting || !f.view.LimitedUntil.IsZero() }

// limitedCondition names the limit that keeps traffic from moving without an order. When it ends is said by
// status.failoverLimitedUntil, where that is known.
func limitedCondition(f facts) *metav1.Condition {
	active := f.backend.Status.ActiveRegion
	switch {
	case !f.view.LimitedUntil.IsZero():
		return yes(llmv1alpha1.ReasonMaxPerHour, fmt.Sprintf(
			"spec.failover.maxPerHour allows %d, and as many failovers were made within an hour: traffic stays in region %s until status.failoverLimitedUntil, "+
				"unless a reset or a switch moves it", f.config.MaxPerHour, active))
	case f.view.Waiting:
		return yes(llmv1alpha1.ReasonWaitingForTurn, fmt.Sprintf(
			"traffic is to leave region %s, and waits for its turn: the operator moves only so many LLMBackends per second "+
				"(--max-failovers-per-second); a reset or a switch does not wait", active))
	default:
		return nil
	}
}

// setLimitEnd says in the status when the limit ends.
func setLimitEnd(f facts) {
	f.backend.Status.FailoverLimitedUntil = nil
	if end := f.view.LimitedUntil; !end.IsZero() {
		f.backend.Status.FailoverLimitedUntil = new(metav1.NewMicroTime(end))
	}
}
