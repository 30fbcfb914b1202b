// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package translate

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	llmv1alpha1 "github.com/breakwater-dev/breakwater/api/v1alpha1"
	"github.com/breakwater-dev/breakwater/internal/failover"
)

// TestAnyRecordSurvives: whatever is decided reads the same after it was stored over any other status.
func TestAnyRecordSurvives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var status, read llmv1alpha1.LLMBackendStatus
		WriteRecord(&status, anyRecord(t))
		rec := anyRecord(t)
		WriteRecord(&status, rec)
		wire, err := json.Marshal(status)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(wire, &read); err != nil {
			t.Fatal(err)
		}
		if got := Record(&read); !got.Equal(rec) {
			t.Fatalf("record (-want +got):\n%s", cmp.Diff(rec, got))
		}
	})
}

func anyRecord(t *rapid.T) failover.Record {
	name := rapid.SampledFrom([]string{"us-east", "eu-west", "local"})
	rec := failover.Record{
		ActiveRegion:  name.Draw(t, "active"),
		TransitionSeq: rapid.Int64Range(0, 1<<53).Draw(t, "transitionSeq"),
		ActiveSeq:     rapid.Int64Range(0, 1<<53).Draw(t, "activeSeq"),
		ActiveSince:   anyTime(t),
		Pinned:        rapid.Bool().Draw(t, "pinned"),
		HandledReset:  rapid.String().Draw(t, "reset"),
		HandledSwitch: rapid.String().Draw(t, "switch"),
		SwitchResult: rapid.SampledFrom([]failover.SwitchResult{
			"", failover.SwitchDone, failover.SwitchPinned, failover.SwitchFailed,
			failover.SwitchRefused, failover.SwitchSuperseded, failover.SwitchIgnored,
		}).Draw(t, "result"),
	}
	for _, region := range rapid.SliceOfDistinct(name, rapid.ID).Draw(t, "regions") {
		r := failover.RegionRecord{Name: region, Since: anyTime(t), Reason: rapid.String().Draw(t, "reason")}
		if rapid.Bool().Draw(t, "open") {
			r.Open, r.OpenUntil, r.HeldUntil = true, anyTime(t), anyTime(t)
			r.OpenedBy = rapid.SampledFrom([]failover.Source{failover.ByProbe, failover.ByTraffic}).Draw(t, "by")
		}
		rec.Regions = append(rec.Regions, r)
	}
	for range rapid.IntRange(0, 16).Draw(t, "history") {
		rec.History = append(rec.History, failover.Transition{
			Seq:    rapid.Int64Range(1, 1<<53).Draw(t, "seq"),
			Time:   time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, "time")).UTC(),
			Type:   rapid.SampledFrom([]failover.TransitionType{failover.BreakerOpened, failover.FailedOver}).Draw(t, "type"),
			Region: name.Draw(t, "region"), From: name.Draw(t, "from"), To: name.Draw(t, "to"),
			Reason: rapid.String().Draw(t, "reason"), Message: rapid.StringN(0, -1, maxMessage).Draw(t, "message"),
		})
	}
	return rec
}

// anyTime returns a time as it is stored, or none.
func anyTime(t *rapid.T) time.Time {
	if rapid.Bool().Draw(t, "no time") {
		return time.Time{}
	}
	return time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, "time")).UTC()
}
