// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The history keeps the 8 newest region changes and the 8 newest others, newest first.
func TestHistory(t *testing.T) {
	var r Record
	for range 10 {
		r.append([]Transition{{Type: BreakerOpened}, {Type: FailedOver}, {Type: BreakerClosed}})
	}
	var seqs []int64
	for _, h := range r.History {
		seqs = append(seqs, h.Seq)
	}
	want := []int64{30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 17, 14, 11, 8}
	if diff := cmp.Diff(want, seqs); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if r.TransitionSeq != 30 || r.ActiveSeq != 29 {
		t.Errorf("TransitionSeq %d, ActiveSeq %d; want 30, 29", r.TransitionSeq, r.ActiveSeq)
	}
}

// Every field takes part in the comparison of records, so that no change is left unstored.
func TestRecordEqual(t *testing.T) {
	full := func() Record {
		return Record{
			ActiveRegion: "us-east", Regions: []RegionRecord{{Name: "us-east"}}, History: []Transition{{Seq: 1}},
		}
	}
	if !full().Equal(full()) {
		t.Fatal("equal records differ")
	}
	eachField(t, reflect.TypeFor[Record](), func(field int) (Record, Record) {
		a, b := full(), full()
		change(reflect.ValueOf(&b).Elem().Field(field))
		return a, b
	})
	eachField(t, reflect.TypeFor[RegionRecord](), func(field int) (Record, Record) {
		a, b := full(), full()
		change(reflect.ValueOf(&b.Regions[0]).Elem().Field(field))
		return a, b
	})
	eachField(t, reflect.TypeFor[Transition](), func(field int) (Record, Record) {
		a, b := full(), full()
		change(reflect.ValueOf(&b.History[0]).Elem().Field(field))
		return a, b
	})
}

func eachField(t *testing.T, of reflect.Type, records func(field int) (a, b Record)) {
	t.Helper()
	for i := range of.NumField() {
		if a, b := records(i); a.Equal(b) {
			t.Errorf("a change of %s.%s goes unnoticed", of.Name(), of.Field(i).Name)
		}
	}
}

func change(v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.Unix(1, 0)
	case *bool:
		*x = true
	case *int64:
		*x = 99
	case *Source:
		*x = ByTraffic
	case *[]RegionRecord:
		*x = nil
	case *[]Transition:
		*x = nil
	default:
		v.SetString("changed")
	}
}

// Times are stored in microseconds: deadlines are never early, other times never late.
func TestStoredTimes(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 1500, time.FixedZone("CET", 3600))
	if got, want := stored(at), at.Add(-500); !got.Equal(want) || got.Location() != time.UTC {
		t.Errorf("stored = %v, want %v in UTC", got, want)
	}
	if got, want := storedDeadline(at), at.Add(500); !got.Equal(want) {
		t.Errorf("storedDeadline = %v, want %v", got, want)
	}
	if whole := at.Add(500); !storedDeadline(whole).Equal(whole) {
		t.Errorf("storedDeadline(%v) = %v, want it unchanged", whole, storedDeadline(whole))
	}
	if !stored(time.Time{}).IsZero() || !storedDeadline(time.Time{}).IsZero() {
		t.Error("the zero time is stored as another one")
	}
}
