// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/test/lab"
)

// As long as a region of some LLMBackends hangs, another one fails over and back. There are more of them than the
// operator reconciles at the same time.
func TestHangingRegionDelaysNoOtherLLMBackend(t *testing.T) {
	w := newWorld(t)
	east, _ := w.serve(minDuration("0s"))
	dead, stuck := w.region(2), w.region(3)
	w.set(dead, lab.Status(503))
	g := w.hold(stuck)
	for i := range 6 {
		w.apply(makeLLMBackend(fmt.Sprintf("stuck-%d", i)).primary("us-east", dead.URL()).
			secondary("eu-west", stuck.URL()).edit(patientSecondaries).obj())
	}
	var hanging []*heldRequest
	for range 6 {
		hanging = append(hanging, g.next())
	}

	w.set(east, lab.Status(503))
	w.awaitActive("chat", "eu-west")
	w.set(east, lab.Healthy())
	w.wantHistory(w.awaitActive("chat", "us-east"),
		"1 BreakerOpened us-east", "2 FailedOver us-east->eu-west", "3 BreakerClosed us-east", "4 FailedBack eu-west->us-east")
	for _, h := range hanging {
		if !h.waits() {
			t.Error("a probe that hung has ended, so that nothing is shown")
		}
	}
}

// LLMBackends that are deleted and created again under their names begin anew, and take the slices over that
// are still there.
func TestRecreatedUnderTheSameName(t *testing.T) {
	w := newWorld(t)
	w.start()
	names := []string{"chat", "code"}
	regions := map[string]*lab.Region{}
	create := func(name string) {
		w.apply(makeLLMBackend(name).primary("us-east", regions[name+"/us-east"].URL()).
			secondary("eu-west", regions[name+"/eu-west"].URL()).edit(minDuration("1h"), openDuration("1h")).obj())
	}
	for i, name := range names {
		regions[name+"/us-east"], regions[name+"/eu-west"] = w.region(2*i), w.region(2*i+1)
		create(name)
	}
	for _, name := range names {
		w.awaitActive(name, "us-east")
		w.set(regions[name+"/us-east"], lab.Status(503))
	}
	for _, name := range names {
		w.awaitActive(name, "eu-west")
		w.set(regions[name+"/us-east"], lab.Healthy())
	}

	for _, name := range names {
		if err := w.client.Delete(w.ctx, &llmv1alpha1.LLMBackend{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: name}}); err != nil {
			t.Fatal(err)
		}
		create(name)
	}
	for _, name := range names {
		b := w.awaitActive(name, "us-east")
		if b.Status.TransitionSeq != 0 || len(b.Status.History) != 0 || isOpen(b, "us-east") {
			t.Errorf("%s begins at %d with %v, us-east %s; want 0, an empty log and Closed",
				name, b.Status.TransitionSeq, history(b), breakerOf(b, "us-east").State)
		}
	}
	w.wantSlices(
		"chat-breakwater-ipv4 seq=0 "+regions["chat/us-east"].Addr(),
		"code-breakwater-ipv4 seq=0 "+regions["code/us-east"].Addr(),
	)

	w.set(regions["code/us-east"], lab.Status(503))
	w.wantHistory(w.awaitActive("code", "eu-west"), "1 BreakerOpened us-east", "2 FailedOver us-east->eu-west")
}
