// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"
)

// What sleeps long wakes up with others, and no sleep is longer by more than a hundredth for it.
func TestToBeat(t *testing.T) {
	midnight := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name        string
		past        time.Duration // of the wake-up, since midnight
		sleep, want time.Duration
	}{
		{"less than a second: on time", 3 * time.Millisecond, 999 * time.Millisecond, 0},
		{"a second: a beat of 10 ms", 3 * time.Millisecond, time.Second, 7 * time.Millisecond},
		{"on the beat: at once", 30 * time.Millisecond, time.Second, 0},
		{"two seconds: 20 ms", 3 * time.Millisecond, 2 * time.Second, 17 * time.Millisecond},
		{"just below five", 3 * time.Millisecond, 4999 * time.Millisecond, 17 * time.Millisecond},
		{"five: 50 ms", 3 * time.Millisecond, 5 * time.Second, 47 * time.Millisecond},
		{"an hour: no longer than that", 51 * time.Millisecond, time.Hour, 49 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := toBeat(midnight.Add(tt.past), tt.sleep); got != tt.want {
				t.Errorf("toBeat = %v, want %v", got, tt.want)
			}
		})
	}
}
