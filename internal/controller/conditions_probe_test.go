// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
)

// What a person has to do differs, and so do reason and words.
func TestConditionsSayWhatToDo(t *testing.T) {
	doubt := func(causes ...failover.Cause) func(*facts) {
		return func(f *facts) {
			for i, cause := range causes {
				f.view.Inconclusive[i], f.view.Causes[i] = true, cause
			}
		}
	}
	fail := func(region int, reason string) func(*facts) {
		return func(f *facts) {
			f.backend.Status.Regions[region].Breaker = llmv1alpha1.BreakerStatus{State: llmv1alpha1.BreakerOpen, Reason: reason}
		}
	}
	both := func(edits ...func(*facts)) func(*facts) {
		return func(f *facts) {
			for _, edit := range edits {
				edit(f)
			}
		}
	}
	const inDoubt, degraded = llmv1alpha1.ConditionProbeInconclusive, llmv1alpha1.ConditionDegraded
	for _, test := range []struct {
		name      string
		edit      func(*facts)
		condition string
		reason    string
		says      []string
	}{
		{"nothing known", doubt(failover.NoCause), inDoubt, "NoReadableAnswer", []string{"region us-east: no answer can be read"}},
		{"key refused", doubt(failover.BadCredentials), inDoubt, "BadCredentials", []string{"put a valid one into the Secret"}},
		{"no model", doubt(failover.ModelMissing), inDoubt, "ModelMissing", []string{"deploy it in the region, or correct the name"}},
		{"no path", doubt(failover.NotFound), inDoubt, "NotFound", []string{"correct probe.http.path"}},
		{"refused request", doubt(failover.BadRequest), inDoubt, "BadRequest", []string{"look at type and path"}},
		{"no key", both(doubt(failover.NoCredentials), func(f *facts) {
			f.credentialProblems = map[string]string{"us-east": "Secret openai does not exist", "eu-west": "other"}
		}), inDoubt, "CredentialsUnreadable", []string{"region us-east: Secret openai does not exist"}},
		{"the first region's reason, the words of both", doubt(failover.ModelMissing, failover.BadCredentials), inDoubt, "ModelMissing",
			[]string{"region us-east: the model", "region eu-west: the credential"}},
		{"failing", fail(0, "Status503"), degraded, "RegionsFailing", []string{"failing: us-east"}},
		{"quota", fail(1, "QuotaExhausted"), degraded, "QuotaExhausted", []string{"used up in: eu-west", "pay the bill"}},
		{"quota and failing", both(fail(0, "Status503"), fail(1, "QuotaExhausted")), degraded, "QuotaExhausted", []string{"used up in: eu-west", "Failing: us-east"}},
		{"expression", func(f *facts) { f.view.Unfit[0] = failover.InvalidExpression }, llmv1alpha1.ConditionStalled, "InvalidExpression",
			[]string{"region us-east is no candidate: bodyExpression is not valid CEL"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in, _, err := inputOf(chat(), nil, nil, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			b := chat()
			b.Status.ActiveRegion = "us-east"
			b.Status.Regions = []llmv1alpha1.RegionStatus{{Name: "us-east"}, {Name: "eu-west"}}
			f := facts{backend: b, config: in.Config, publication: publication{reason: llmv1alpha1.ReasonPublished}}
			test.edit(&f)
			setConditions(f)
			c := meta.FindStatusCondition(b.Status.Conditions, test.condition)
			if c == nil || c.Status != metav1.ConditionTrue || c.Reason != test.reason {
				t.Fatalf("condition %+v, want %s for the reason %s", c, test.condition, test.reason)
			}
			for _, words := range test.says {
				if !strings.Contains(c.Message, words) {
					t.Errorf("message %q lacks %q", c.Message, words)
				}
			}
		})
	}
}
