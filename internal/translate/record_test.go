// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
)

// TestRecordSurvivesTheAPIServer: what is read back is what was written, to the microsecond.
func TestRecordSurvivesTheAPIServer(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 123456000, time.UTC)
	rec := failover.Record{
		ActiveRegion: "eu-west", TransitionSeq: 9, ActiveSeq: 8, ActiveSince: at, Pinned: true,
		Regions: []failover.RegionRecord{
			{Name: "us-east", Open: true, Since: at, OpenUntil: at.Add(time.Minute), HeldUntil: at.Add(time.Hour),
				Reason: "RateLimited", OpenedBy: failover.ByTraffic},
			{Name: "eu-west", Since: at, Reason: "Recovered"},
		},
		History: []failover.Transition{
			{Seq: 9, Time: at, Type: failover.BreakerClosed, Region: "eu-west", Reason: "Recovered", Message: "m"},
			{Seq: 8, Time: at, Type: failover.SwitchedOver, From: "us-east", To: "eu-west", Reason: "Requested"},
		},
		HandledReset: "1", HandledSwitch: "2", SwitchResult: failover.SwitchDone,
	}
	var written, read llmv1alpha1.LLMBackendStatus
	WriteRecord(&written, rec)
	wire, err := json.Marshal(written)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(wire, &read); err != nil {
		t.Fatal(err)
	}
	got := Record(&read)
	if !got.Equal(rec) {
		t.Errorf("record (-want +got):\n%s", cmp.Diff(rec, got))
	}
	if read.PinnedRegion != "eu-west" {
		t.Errorf("pinnedRegion = %q, want eu-west", read.PinnedRegion)
	}
}

func TestMessagesAreCut(t *testing.T) {
	var s llmv1alpha1.LLMBackendStatus
	WriteRecord(&s, failover.Record{History: []failover.Transition{{Seq: 1, Message: strings.Repeat("x", 1000)}}})
	if got := len(s.History[0].Message); got != maxMessage {
		t.Errorf("message has %d bytes, want %d", got, maxMessage)
	}
}
