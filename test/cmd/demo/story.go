// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/cmd/internal/playground"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// bound is how long one step may take. Most take a second; a busy machine of
// two cores may need several.
const bound = 30 * time.Second

// story tells what happens as it happens.
type story struct {
	playground *playground.Playground
	out        io.Writer
	began      time.Time

	primary, secondary playground.Region
	seq                int64     // of the newest transition told
	toldCalls          time.Time // calls that started before have been told
}

func newStory(out io.Writer) *story {
	regions := playground.Regions()
	return &story{out: out, began: time.Now(), primary: regions[0], secondary: regions[1]}
}

// tellf prints one line: time since the start, what, and the details.
func (s *story) tellf(what, format string, args ...any) {
	_, _ = fmt.Fprintf(s.out, "+%5.1fs  %-16s  %s\n", time.Since(s.began).Seconds(), what, fmt.Sprintf(format, args...))
}

// play runs all acts.
func (s *story) play(ctx context.Context) error {
	for _, act := range []func(context.Context) error{
		s.setUp, s.failPrimary, s.recover, s.cutPrimaryOff, s.reset, s.finish,
	} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// setUp starts what is to be shown and waits until it serves.
func (s *story) setUp(ctx context.Context) error {
	s.tellf("control plane", "answers; CRD, roles and policies installed")
	if err := s.playground.StartRegions(ctx); err != nil {
		return err
	}
	for _, region := range playground.Regions() {
		s.tellf("region", "%-9s serves on %s", region.Name, region.Endpoint())
	}
	if err := s.playground.StartOperator(ctx, "demo-manager.log"); err != nil {
		return err
	}
	s.tellf("operator", "started as process %d", s.playground.Operator.PID())
	if err := s.playground.Apply(ctx); err != nil {
		return err
	}
	s.tellf("apply", "LLMBackend %s/%s", playground.Namespace, playground.Name)
	_, err := s.playground.AwaitBackend(ctx, bound, "Ready=True on "+s.primary.Name,
		func(b *llmv1alpha1.LLMBackend) bool {
			return b.Status.ActiveRegion == s.primary.Name && isTrue(b, llmv1alpha1.ConditionReady)
		})
	if err != nil {
		return err
	}
	slice, err := s.playground.AwaitAddresses(ctx, bound, s.primary.Address)
	if err != nil {
		return err
	}
	s.tellf("ready", "%s is active; EndpointSlice %s holds %s", s.primary.Name, slice, s.primary.Address)
	return s.startClient(ctx)
}

// failPrimary has the primary answer with errors.
func (s *story) failPrimary(ctx context.Context) error {
	return s.breakPrimary(ctx, lab.Status(503), "answers 503 from now on")
}

// cutPrimaryOff has the primary hear and say nothing. Where packets cannot be
// dropped it refuses them.
func (s *story) cutPrimaryOff(ctx context.Context) error {
	if s.playground.Plain() {
		return s.breakPrimary(ctx, lab.Refuse(), "refuses connections from now on")
	}
	return s.breakPrimary(ctx, lab.Silent(), "is cut off: its packets are dropped from now on")
}

// breakPrimary makes the primary fail and shows how traffic leaves it.
func (s *story) breakPrimary(ctx context.Context, b lab.Behaviour, does string) error {
	before, err := s.probes(ctx)
	if err != nil {
		return err
	}
	if err := s.behave(ctx, s.primary, b); err != nil {
		return err
	}
	broken := time.Now()
	s.tellf("break", "%s %s", s.primary.Name, does)

	opened, err := s.await(ctx, llmv1alpha1.TransitionBreakerOpened)
	if err != nil {
		return err
	}
	s.tellf("breaker opened", "of %s: %s (seq %d)", opened.Region, opened.Reason, opened.Seq)
	failedOver, err := s.await(ctx, llmv1alpha1.TransitionFailedOver)
	if err != nil {
		return err
	}
	after, err := s.probes(ctx)
	if err != nil {
		return err
	}
	s.tellf("probed", "since the break: %s", difference(before, after))
	s.tellf("failed over", "%s -> %s (seq %d)", failedOver.From, failedOver.To, failedOver.Seq)
	if err := s.rewritten(ctx, s.primary, s.secondary); err != nil {
		return err
	}
	s.tellf("", "%.1f s after the break", time.Since(broken).Seconds())
	return s.tellCalls(ctx, s.secondary)
}

// recover heals the primary and shows that traffic returns no earlier than it may.
func (s *story) recover(ctx context.Context) error {
	if err := s.behave(ctx, s.primary, lab.Healthy()); err != nil {
		return err
	}
	s.tellf("heal", "%s answers again", s.primary.Name)
	closed, err := s.await(ctx, llmv1alpha1.TransitionBreakerClosed)
	if err != nil {
		return err
	}
	s.tellf("breaker closed", "of %s: %s (seq %d)", closed.Region, closed.Reason, closed.Seq)

	backend, err := s.playground.AwaitBackend(ctx, bound, "still "+s.secondary.Name,
		func(b *llmv1alpha1.LLMBackend) bool { return b.Status.ActiveSince != nil })
	if err != nil {
		return err
	}
	due := backend.Status.ActiveSince.Add(backend.Spec.Failover.MinDuration.AsDuration())
	if backend.Status.ActiveRegion != s.secondary.Name {
		return fmt.Errorf("expected: %s stays active until %s, but %s is", s.secondary.Name, clock(due), backend.Status.ActiveRegion)
	}
	s.tellf("deferred", "failback not before %s, in %.1f s: minDuration is %s",
		clock(due), time.Until(due).Seconds(), backend.Spec.Failover.MinDuration)

	failedBack, err := s.await(ctx, llmv1alpha1.TransitionFailedBack)
	if err != nil {
		return err
	}
	if early := due.Sub(failedBack.Time.Time); early > 0 {
		return fmt.Errorf("expected: failback not before %s, but it was %s too early", clock(due), early)
	}
	s.tellf("failed back", "%s -> %s (seq %d), decided at %s",
		failedBack.From, failedBack.To, failedBack.Seq, clock(failedBack.Time.Time))
	if err := s.rewritten(ctx, s.secondary, s.primary); err != nil {
		return err
	}
	return s.tellCalls(ctx, s.primary)
}

// reset heals the primary, and has a person send traffic back at once.
func (s *story) reset(ctx context.Context) error {
	if err := s.behave(ctx, s.primary, lab.Healthy()); err != nil {
		return err
	}
	token := time.Now().UTC().Format(time.RFC3339)
	if _, err := s.playground.ControlPlane.Kubectl(ctx, "annotate", "--overwrite", "-n", playground.Namespace,
		"llmbackend", playground.Name, llmv1alpha1.ResetAnnotation+"="+token); err != nil {
		return err
	}
	s.tellf("heal and reset", "annotated %s=%s", llmv1alpha1.ResetAnnotation, token)
	reset, err := s.await(ctx, llmv1alpha1.TransitionReset)
	if err != nil {
		return err
	}
	s.tellf("reset", "%s -> %s (seq %d): at once, and all breakers closed", reset.From, reset.To, reset.Seq)
	if err := s.rewritten(ctx, s.secondary, s.primary); err != nil {
		return err
	}
	return s.tellCalls(ctx, s.primary)
}

// finish prints what a person would look at.
func (s *story) finish(ctx context.Context) error {
	table, err := s.playground.ControlPlane.Kubectl(ctx, "get", "llmbackends", "-A")
	if err != nil {
		return err
	}
	s.tellf("done", "make lab keeps this running, for you to play with")
	_, _ = fmt.Fprintf(s.out, "\n$ kubectl get llmbackends -A\n%s", table)
	s.drawCalls()
	return nil
}

// evidence is what explains a step that did not happen.
func (s *story) evidence(ctx context.Context) string {
	if s.playground.Operator == nil || ctx.Err() != nil {
		return ""
	}
	description, err := s.playground.ControlPlane.Kubectl(ctx, "describe", "-n", playground.Namespace, "llmbackend", playground.Name)
	if err != nil {
		description = err.Error()
	}
	if i := strings.Index(description, "\nStatus:"); i >= 0 {
		description = description[i+1:]
	}
	return fmt.Sprintf("\n\nSeen by kubectl describe:\n%s\nThe last lines of %s:\n%s",
		description, s.playground.Operator.Log(), s.playground.Operator.Tail(20))
}
