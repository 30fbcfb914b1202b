// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Writes that fail, are late or whose reply is lost.
func TestStore(t *testing.T) {
	oneFailover := afterLeaving()
	late := func(at string) []string {
		return []string{
			"0s first us-east",
			at + " #1 BreakerOpened us-east Status503",
			at + " #2 FailedOver us-east>eu-west BreakerOpen",
		}
	}
	tests := []struct {
		name  string
		store store
		until time.Duration // store works again; 0 for on its own
		want  []string
	}{
		{name: "conflict", store: store{conflicts: true}, want: oneFailover},
		{name: "reply lost", store: store{loseReply: true}, want: oneFailover},
		{name: "slow", store: store{takes: 400 * ms}, want: late("14.4s")},
		{name: "frozen", store: store{takes: 20 * second}, want: late("34s")},
		{name: "refused for long", store: store{fails: true}, until: 29800 * ms, want: late("30s")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, config("us-east", "eu-west"))
			w.responds(10*second, "us-east", status(503))
			w.storing(13*second, tt.store)
			if tt.until > 0 {
				w.storing(tt.until, store{})
			}
			w.run(60 * second)
			w.want(tt.want...)
		})
	}
}

// While the store refuses a failover the region may have died: what is stored then rests on a new success.
func TestEvidenceExpires(t *testing.T) {
	for _, onDemand := range []bool{false, true} {
		w := newWorld(t, config("us-east", "eu-west", "local"))
		for i := range w.config.Regions {
			w.config.Regions[i].Probe.OnDemand = onDemand
		}
		w.config.Regions[1].Breaker.FailureThreshold = 100
		w.traffic(14*second, "us-east", 5, status(503))
		w.storing(13*second, store{fails: true})
		w.responds(14500*ms, "eu-west", status(503))
		w.storing(29800*ms, store{})
		w.run(40 * second)
		w.want(
			"0s first us-east",
			"30s #1 BreakerOpened us-east Status503",
			"30s #2 FailedOver us-east>local BreakerOpen",
		)
	}
}

// Another operator, or a restored backup, has gone on without this machine.
func TestForeignRecord(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	w.responds(10*second, "us-east", slow(503, 100*ms))
	w.at(12*second, func() {
		w.stored.ActiveRegion, w.stored.TransitionSeq, w.stored.ActiveSeq = "eu-west", 7, 7
		w.stored.ActiveSince = w.clock()
		w.stored.Regions = []RegionRecord{
			{Name: "us-east", Open: true, OpenUntil: w.clock().Add(20 * second), Reason: "Status500"},
			{Name: "eu-west"},
		}
		w.observe()
	})
	w.responds(20*second, "us-east", status(200))
	w.run(60 * second)
	w.want(
		"0s first us-east",
		"32s #8 BreakerClosed us-east Recovered",
		"42s #9 FailedBack eu-west>us-east PreferredRegionHealthy",
	)
}

// An LLMBackend that was deleted and made again under the same name begins anew, and answers of probes that
// were made for the old one say nothing about it.
func TestAnotherUID(t *testing.T) {
	m := &Machine{}
	now := epoch()
	in := Input{UID: "old", Config: config("us-east")}
	m.Observe(now, in)
	old, _ := m.Poll(now, nil)
	in.UID = "new"
	m.Observe(now, in)
	probes, _ := m.Poll(now, nil)
	m.ProbeDone(now, old[0].ID, now, outcome(Response{Status: 200}))
	if m.View(now).Known[0] {
		t.Errorf("the answer of probe %d was taken for that of probe %d", old[0].ID, probes[0].ID)
	}
	if diff := cmp.Diff("us-east", m.Plan(now).Record.ActiveRegion); diff != "" {
		t.Error(diff)
	}
}
