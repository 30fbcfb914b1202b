// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-dev/breakwater/test/lab"
)

func TestRegionAdmin(t *testing.T) {
	r := newRegion(t, "10.1.0.10:8000", lab.WithName("us-east"))
	server := httptest.NewServer(r.Admin())
	t.Cleanup(server.Close)
	admin := server.Listener.Addr().String()

	for _, behaviour := range []lab.Behaviour{
		lab.Slow(2 * time.Second), lab.Refuse(), lab.Status(429, "Retry-After", "300"),
	} {
		state, err := lab.SetBehaviour(within(t, ample), admin, behaviour)
		if diff := cmp.Diff(behaviour, state.Behaviour); err != nil || diff != "" {
			t.Errorf("behaviour set (-want +got), error %v:\n%s", err, diff)
		}
	}
	if code, _, err := request(within(t, ample), "GET", r.URL()+"/health", ""); code != 429 {
		t.Errorf("request = %d, %v; want 429", code, err)
	}
	got, err := lab.ReadState(within(t, ample), admin)
	want := lab.RegionState{
		Name:        "us-east",
		Behaviour:   lab.Status(429, "Retry-After", "300"),
		Requests:    map[string]int{"/health": 1},
		Connections: 1,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("state (-want +got), error %v:\n%s", err, diff)
	}
	_, err = lab.SetBehaviour(within(t, ample), admin, lab.Behaviour{Mode: "sleepy"})
	if err == nil || !strings.Contains(err.Error(), "use one of") {
		t.Errorf("a mode that does not exist: error %v; want what to use", err)
	}
}
