// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/translate"
)

// Answer is what became of an order. Its JSON is part of the interface of the plugin.
type Answer struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Order     string `json:"order"`
	To        string `json:"to,omitempty"`
	Result    Result `json:"result"`
	Message   string `json:"message"`
	// ActiveRegion and TransitionSeq are those of the status by then.
	ActiveRegion  string `json:"activeRegion,omitempty"`
	TransitionSeq int64  `json:"transitionSeq"`
	// Annotations are what the order has written.
	Annotations map[string]string `json:"annotations"`
}

// DryRun says how much of an order is only tried.
type DryRun string

// The values, as kubectl has them.
const (
	DryRunNone   DryRun = "none"
	DryRunClient DryRun = "client" // nothing is sent
	DryRunServer DryRun = "server" // the API server tries it and stores nothing
)

// Giving says how an order is given.
type Giving struct {
	DryRun DryRun
	// Wait is how long to wait until the operator has answered; 0 for not at all, less for ever.
	Wait time.Duration
	// Note takes what the person should know while they wait.
	Note func(string)
}

// Give gives an order. An order that is not answered in time is no error: the answer says so.
func (c *Cluster) Give(ctx context.Context, name string, o Order, how Giving) (*Answer, error) {
	b, err := c.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	if o.check != nil {
		if err := o.check(b); err != nil {
			return nil, err
		}
	}
	if how.DryRun != DryRunClient {
		if b, err = c.annotate(ctx, name, o.annotations, how.DryRun == DryRunServer); err != nil {
			return nil, err
		}
	}
	switch {
	case how.DryRun != DryRunNone:
		return answer(b, o, ResultDryRun, fmt.Sprintf("%s (%s dry run)", o.asked(), how.DryRun)), nil
	case how.Wait == 0:
		return answer(b, o, ResultRequested, o.asked()), nil
	}
	if p := pauseOf(b); o.waitsForPause() && p != "" {
		how.Note(p + ": the order is carried out when the pause ends")
	}
	return c.await(ctx, b, o, how.Wait)
}

// await waits for the answer of the operator.
func (c *Cluster) await(ctx context.Context, b *llmv1alpha1.LLMBackend, o Order, patience time.Duration) (*Answer, error) {
	waiting := ctx
	if patience > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	given := b.ResourceVersion
	var answered Result
	err := c.Follow(waiting, Selection{Name: b.Name}, func(now *llmv1alpha1.LLMBackend) (bool, error) {
		if now.DeletionTimestamp != nil {
			return false, fmt.Errorf("LLMBackend %s was deleted before it answered", key(now))
		}
		// The API server may begin with what it knew before the order.
		if order, err := resourceversion.CompareResourceVersion(now.ResourceVersion, given); err != nil || order < 0 {
			return false, err
		}
		b = now
		answered = o.answered(now)
		return answered != "", nil
	})
	switch {
	case err == nil:
		return answer(b, o, answered, o.told(b, answered)), nil
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		return answer(b, o, ResultUnanswered, unanswered(b, given, patience)), nil
	default:
		return nil, err
	}
}

func answer(b *llmv1alpha1.LLMBackend, o Order, r Result, message string) *Answer {
	return &Answer{
		Namespace: b.Namespace, Name: b.Name, Order: o.Name, To: o.To, Result: r, Message: message,
		ActiveRegion: b.Status.ActiveRegion, TransitionSeq: b.Status.TransitionSeq, Annotations: o.annotations,
	}
}

// Show shows what became of an order.
func (a *Answer) Show(f Format, out io.Writer) error {
	return f.write(out, a, func() string { return fmt.Sprintf("%s/%s: %s: %s\n", a.Namespace, a.Name, a.Result, a.Message) })
}

// asked is the order as somebody gave it.
func (o Order) asked() string {
	if o.To != "" {
		return o.Name + " to " + o.To + " asked for"
	}
	return o.Name + " asked for"
}

// told says in words what became of the order.
func (o Order) told(b *llmv1alpha1.LLMBackend, r Result) string {
	switch r {
	case ResultSwitched:
		return fmt.Sprintf("traffic goes to %s, and stays there until it fails or somebody moves it", o.To)
	case ResultPinned:
		return fmt.Sprintf("traffic goes to %s already, and stays there until it fails or somebody moves it", o.To)
	case ResultReset:
		return fmt.Sprintf("traffic goes to the primary region %s, and all breakers are closed", b.Status.ActiveRegion)
	case ResultPaused:
		return pauseOf(b)
	case ResultResumed:
		return "traffic may move again"
	case ResultOvertaken:
		return fmt.Sprintf("somebody gave another %s before this one was carried out", o.Name)
	case Result(llmv1alpha1.SwitchFailed):
		return fmt.Sprintf("%s did not answer its probe well: traffic stays at %s; kubectl describe llmb %s -n %s has the event that says why",
			o.To, b.Status.ActiveRegion, b.Name, b.Namespace)
	case Result(llmv1alpha1.SwitchRefused):
		return fmt.Sprintf("%s: traffic stays at %s", refusal(b, o.To), b.Status.ActiveRegion)
	case Result(llmv1alpha1.SwitchSuperseded):
		return "a reset that came with it was carried out instead"
	default:
		return "it was not carried out"
	}
}

// refusal is why the operator refuses to try a region, as far as the status tells.
func refusal(b *llmv1alpha1.LLMBackend, to string) string {
	for _, r := range b.Status.Regions {
		switch {
		case r.Name != to:
		case r.Breaker.RetryAfterUntil != nil:
			return fmt.Sprintf("%s asked to be left alone until %s", to, r.Breaker.RetryAfterUntil.UTC().Format(time.RFC3339))
		case to == b.Status.ActiveRegion:
			return to + " is active already, and fails"
		default:
			return to + " cannot be tried now"
		}
	}
	return to + " is not in the spec"
}

// waitsForPause says whether the order is not carried out in a pause.
func (o Order) waitsForPause() bool { return o.Name == "reset" || o.Name == "switch" }

// pauseOf says what kind of pause the annotation of b asks for; empty for none, or for one that is over.
func pauseOf(b *llmv1alpha1.LLMBackend) string {
	p := translate.ParsePause(b.Annotations[llmv1alpha1.PausedAnnotation])
	switch {
	case !p.Wanted, !p.Until.IsZero() && !p.Until.After(time.Now()):
		return ""
	case p.Until.IsZero():
		return "paused until somebody ends it"
	default:
		return "paused until " + p.Until.UTC().Format(time.RFC3339)
	}
}

// unanswered says what is likely to be the matter. given is the version that the order made.
func unanswered(b *llmv1alpha1.LLMBackend, given string, patience time.Duration) string {
	c := meta.FindStatusCondition(b.Status.Conditions, llmv1alpha1.ConditionPublished)
	switch {
	case pauseOf(b) != "":
		return fmt.Sprintf("not carried out within %s, because it is %s; the order stays", patience, pauseOf(b))
	case c != nil && c.Status != "True":
		return fmt.Sprintf("not published within %s (%s): %s", patience, c.Reason, c.Message)
	case b.ResourceVersion == given:
		return fmt.Sprintf("not acknowledged within %s: see whether the operator runs; the order stays, and is carried out once it does", patience)
	default:
		return fmt.Sprintf("not carried out within %s; the order stays", patience)
	}
}
