// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"maps"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
)

// given is failedover.yaml as it is after an order, and then changed.
func given(t *testing.T, o Order, edits ...func(*llmv1alpha1.LLMBackend)) *llmv1alpha1.LLMBackend {
	t.Helper()
	b := load(t, "failedover")
	b.Annotations = maps.Clone(o.annotations)
	for _, edit := range edits {
		edit(b)
	}
	return b
}

func TestAnswered(t *testing.T) {
	end := epoch.Add(2 * time.Hour)
	handledReset := func(b *llmv1alpha1.LLMBackend) { b.Status.LastHandledReset = token(epoch) }
	handledSwitch := func(r llmv1alpha1.SwitchResult) func(*llmv1alpha1.LLMBackend) {
		return func(b *llmv1alpha1.LLMBackend) {
			b.Status.LastHandledSwitch, b.Status.LastSwitchResult = token(epoch), r
		}
	}
	unpublished := func(b *llmv1alpha1.LLMBackend) { b.Status.ActiveSeq = 3 }
	annotated := func(key, value string) func(*llmv1alpha1.LLMBackend) {
		return func(b *llmv1alpha1.LLMBackend) { b.Annotations[key] = value }
	}
	paused := func(reason, message string) func(*llmv1alpha1.LLMBackend) {
		return func(b *llmv1alpha1.LLMBackend) {
			meta.SetStatusCondition(&b.Status.Conditions, metav1.Condition{Type: "Paused", Status: "True", Reason: reason, Message: message})
		}
	}
	edits := func(e ...func(*llmv1alpha1.LLMBackend)) []func(*llmv1alpha1.LLMBackend) { return e }
	for _, test := range []struct {
		name  string
		order Order
		edits []func(*llmv1alpha1.LLMBackend)
		want  Result
		told  string
	}{
		{"reset, open", Reset(epoch), nil, "", ""},
		{"reset, done", Reset(epoch), edits(handledReset), ResultReset, "traffic goes to the primary region eu-west, and all breakers are closed"},
		{"reset, not published", Reset(epoch), edits(handledReset, unpublished), "", ""},
		{"reset, overtaken", Reset(epoch), edits(annotated(llmv1alpha1.ResetAnnotation, "newer")), ResultOvertaken,
			"somebody gave another reset before this one was carried out"},
		{"switch, open", Switch("local", epoch), nil, "", ""},
		{"switch, done", Switch("local", epoch), edits(handledSwitch("Switched")), ResultSwitched,
			"traffic goes to local, and stays there until it fails or somebody moves it"},
		{"switch, not published", Switch("local", epoch), edits(handledSwitch("Switched"), unpublished), "", ""},
		{"switch, there already", Switch("eu-west", epoch), edits(handledSwitch("Pinned")), ResultPinned,
			"traffic goes to eu-west already, and stays there until it fails or somebody moves it"},
		{"switch, failed", Switch("local", epoch), edits(handledSwitch("Failed")), "Failed",
			"local did not answer its probe well: traffic stays at eu-west; kubectl describe llmb chat -n apps has the event that says why"},
		{"switch, refused for no reason that is known", Switch("local", epoch), edits(handledSwitch("Refused")), "Refused",
			"local cannot be tried now: traffic stays at eu-west"},
		{"switch, refused because it is to be left alone", Switch("us-east", epoch), edits(handledSwitch("Refused"), func(b *llmv1alpha1.LLMBackend) {
			b.Status.Regions[0].Breaker.RetryAfterUntil = new(metav1.NewMicroTime(end))
		}), "Refused", "us-east asked to be left alone until 2026-11-26T14:00:00Z: traffic stays at eu-west"},
		{"switch, refused because it fails where it is", Switch("eu-west", epoch), edits(handledSwitch("Refused")), "Refused",
			"eu-west is active already, and fails: traffic stays at eu-west"},
		{"switch, superseded", Switch("local", epoch), edits(handledSwitch("Superseded")), "Superseded", "a reset that came with it was carried out instead"},
		{"switch, overtaken", Switch("local", epoch), edits(annotated(llmv1alpha1.SwitchRequestedAtAnnotation, "newer")), ResultOvertaken,
			"somebody gave another switch before this one was carried out"},
		{"pause, open", Pause(end), nil, "", ""},
		{"pause, still the one before", Pause(end), edits(paused("PausedUntil", "nothing is moved until 2026-11-26T13:00:00Z")), "", ""},
		{"pause, done", Pause(time.Now().Add(time.Hour)), edits(func(b *llmv1alpha1.LLMBackend) {
			paused("PausedUntil", "nothing is moved until "+b.Annotations[llmv1alpha1.PausedAnnotation])(b)
		}), ResultPaused, "paused until "},
		{"pause for good, done", Pause(time.Time{}), edits(paused("PausedByAnnotation", "nothing is moved until annotation ... is removed")), ResultPaused,
			"paused until somebody ends it"},
		{"pause, overtaken", Pause(end), edits(annotated(llmv1alpha1.PausedAnnotation, "false")), ResultOvertaken,
			"somebody gave another pause before this one was carried out"},
		{"resume, open", Resume(), edits(paused("PausedByAnnotation", "")), "", ""},
		{"resume, done", Resume(), nil, ResultResumed, "traffic may move again"},
		{"resume, overtaken", Resume(), edits(annotated(llmv1alpha1.PausedAnnotation, "true")), ResultOvertaken,
			"somebody gave another resume before this one was carried out"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := given(t, test.order, test.edits...)
			got := test.order.answered(b)
			if got != test.want {
				t.Fatalf("answered %q, want %q", got, test.want)
			}
			if got != "" && !strings.HasPrefix(test.order.told(b, got), test.told) {
				t.Errorf("told %q, want %q", test.order.told(b, got), test.told)
			}
		})
	}
}

func TestUnanswered(t *testing.T) {
	reset := Reset(epoch)
	for _, test := range []struct {
		name string
		b    *llmv1alpha1.LLMBackend
		want string
	}{
		{"nobody wrote", given(t, reset, func(b *llmv1alpha1.LLMBackend) { b.ResourceVersion = "7" }),
			"not acknowledged within 1m0s: see whether the operator runs; the order stays, and is carried out once it does"},
		{"somebody wrote", given(t, reset, func(b *llmv1alpha1.LLMBackend) { b.ResourceVersion = "8" }), "not carried out within 1m0s; the order stays"},
		{"paused", given(t, reset, func(b *llmv1alpha1.LLMBackend) { b.Annotations[llmv1alpha1.PausedAnnotation] = "true" }),
			"not carried out within 1m0s, because it is paused until somebody ends it; the order stays"},
		{"not published", given(t, reset, func(b *llmv1alpha1.LLMBackend) {
			meta.SetStatusCondition(&b.Status.Conditions, metav1.Condition{Type: "Published", Status: "False", Reason: "ForeignEndpoints", Message: "slice x shares the traffic"})
		}), "not published within 1m0s (ForeignEndpoints): slice x shares the traffic"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := unanswered(test.b, "7", time.Minute); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestName(t *testing.T) {
	for arg, want := range map[string]string{
		"chat": "chat", "llmb/chat": "chat", "LLMBackend/chat": "chat", "llmbackends.llm.breakwater.dev/chat": "chat", "llmbackend.llm.breakwater.dev/chat": "chat", "svc/chat": "",
	} {
		got, err := Name(arg)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%s: %q, %v; want %q", arg, got, err, want)
		}
	}
}
