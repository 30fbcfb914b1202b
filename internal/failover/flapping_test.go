// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package failover

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// moves returns the region changes in the transcript, with their times.
func (w *world) moves() []string {
	var moves []string
	for _, line := range w.log {
		fields := strings.Fields(line)
		if len(fields) > 3 && strings.Contains(fields[3], ">") {
			moves = append(moves, fields[0]+" "+fields[2]+" "+fields[3])
		}
	}
	return moves
}

// flapping has us-east fail 10 s after traffic came to it, always, and recover a second later. Failbacks are due
// after 10 s, and at most 60 s if it flaps.
func flapping(w *world, until time.Duration) {
	w.config.MinDuration, w.config.MaxMinDuration = 10*second, 60*second
	w.config.Regions[0].Breaker.OpenDuration = second
	for at := 10 * second; at < until; at += second {
		w.at(at, func() {
			if w.stored.ActiveRegion == "us-east" && w.clock().Sub(w.stored.ActiveSince) >= 10*second {
				w.failsBriefly(w.now, "us-east")
			}
		})
	}
}

func TestFlapping(t *testing.T) {
	const over, back = " FailedOver us-east>eu-west", " FailedBack eu-west>us-east"
	tests := []struct {
		name   string
		script func(w *world)
		until  time.Duration
		want   []string
	}{
		{
			name:   "it doubles each time, up to the most",
			script: func(w *world) { flapping(w, 300*second) },
			until:  300 * second,
			want: []string{
				"10s" + over, "20s" + back, "30s" + over, "50s" + back, "60s" + over, "100s" + back,
				"110s" + over, "170s" + back, "180s" + over, "240s" + back, "250s" + over,
			},
		},
		{
			name: "a region that stayed well for as long as the most is trusted again",
			script: func(w *world) {
				flapping(w, 100*second)
				w.failsBriefly(160*second, "us-east")
			},
			until: 300 * second,
			want: []string{
				"10s" + over, "20s" + back, "30s" + over, "50s" + back, "60s" + over, "100s" + back,
				"160s" + over, "170s" + back,
			},
		},
		{
			name: "and one that failed just before that is not",
			script: func(w *world) {
				flapping(w, 100*second)
				w.failsBriefly(159*second, "us-east")
			},
			until: 300 * second,
			want: []string{
				"10s" + over, "20s" + back, "30s" + over, "50s" + back, "60s" + over, "100s" + back,
				"159s" + over, "219s" + back,
			},
		},
		{
			name: "a reset begins anew",
			script: func(w *world) {
				flapping(w, 100*second)
				w.resets(70*second, "1")
				w.failsBriefly(149*second, "us-east")
			},
			until: 300 * second,
			want: []string{
				"10s" + over, "20s" + back, "30s" + over, "50s" + back, "60s" + over, "70s Reset eu-west>us-east",
				"80s" + over, "90s" + back, "149s" + over, "169s" + back,
			},
		},
		{
			name: "a restart changes nothing",
			script: func(w *world) {
				flapping(w, 100*second)
				w.restart(65*second, 0)
			},
			until: 105 * second,
			want:  []string{"10s" + over, "20s" + back, "30s" + over, "50s" + back, "60s" + over, "100s" + back},
		},
		{
			name: "without a most it never doubles",
			script: func(w *world) {
				flapping(w, 100*second)
				w.config.MaxMinDuration = 0
			},
			until: 75 * second,
			want:  []string{"10s" + over, "20s" + back, "30s" + over, "40s" + back, "50s" + over, "60s" + back, "70s" + over},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, config("us-east", "eu-west"))
			tt.script(w)
			w.run(tt.until)
			if diff := cmp.Diff(tt.want, w.moves()); diff != "" {
				t.Errorf("moves (-want +got):\n%s", diff)
			}
		})
	}
}

// What a person reads of it.
func TestFlappingIsShown(t *testing.T) {
	w := newWorld(t, config("us-east", "eu-west"))
	flapping(w, 100*second)
	w.run(65 * second)
	if got := w.machine.Plan(w.clock()).Limits; got[0].MinDuration != 40*second || got[1].MinDuration != 0 {
		t.Errorf("limits %+v, want a MinDuration of 40s for the first region alone", got)
	}
	want := "traffic moves from region us-east to eu-west: its breaker is open; it flaps, and gets traffic back after 40s at the earliest"
	if got := w.stored.History[1].Message; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}
