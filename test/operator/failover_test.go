// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-dev/breakwater/test/lab"
)

func TestFailsOverAndBack(t *testing.T) {
	w := newWorld(t)
	east, west := w.region(0), w.region(1)
	w.start()
	w.apply(makeLLMBackend("chat").primary("us-east", east.URL()).secondary("eu-west", west.URL()).obj())

	w.awaitActive("chat", "us-east")
	if diff := cmp.Diff([]string{"chat-breakwater-ipv4 seq=0 " + w.address(0) + ":8000"}, w.slices()); diff != "" {
		t.Errorf("slices before (-want +got):\n%s", diff)
	}

	w.set(east, lab.Status(503))
	b := w.awaitActive("chat", "eu-west")
	if diff := cmp.Diff([]string{"1 BreakerOpened us-east", "2 FailedOver us-east->eu-west"}, history(b)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"chat-breakwater-ipv4 seq=2 " + w.address(1) + ":8000"}, w.slices()); diff != "" {
		t.Errorf("slices after (-want +got):\n%s", diff)
	}

	w.set(east, lab.Healthy())
	b = w.awaitActive("chat", "us-east")
	if diff := cmp.Diff([]string{
		"1 BreakerOpened us-east", "2 FailedOver us-east->eu-west",
		"3 BreakerClosed us-east", "4 FailedBack eu-west->us-east",
	}, history(b)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}
