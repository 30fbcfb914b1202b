// Copyright The Breakwater Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The form of a Duration in the schema. No duration is longer than maxDuration characters.
const (
	durationPattern = `^([0-9]{1,5}(h|m|s|ms)){1,4}$`
	maxDuration     = 24
)

func TestDurationPatternIsThatOfTheSchema(t *testing.T) {
	crd, err := os.ReadFile("../../config/crd/bases/llm.breakwater.dev_llmbackends.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(crd), "rule: self.matches('"+durationPattern+"')") {
		t.Errorf("no rule of the CRD has the pattern %s", durationPattern)
	}
}

func TestDurationAsDuration(t *testing.T) {
	tests := []struct {
		duration Duration
		want     time.Duration
	}{
		{"0s", 0},
		{"250ms", 250 * time.Millisecond},
		{"00001s", time.Second},
		{"5s", 5 * time.Second},
		{"1h30m", 90 * time.Minute},
		{"1h2m3s4ms", time.Hour + 2*time.Minute + 3*time.Second + 4*time.Millisecond},
		{"30m1h", 90 * time.Minute},
		{"1m1m", 2 * time.Minute},
		{"99999h99999h99999h99999h", 4 * 99999 * time.Hour},
		// What the schema refuses.
		{"", 0},
		{"5", 0},
		{"s", 0},
		{"1d", 0},
		{"5 s", 0},
		{"5s\n", 0},
		{"99999999999999999999999h", 0},
	}
	for _, test := range tests {
		if got := test.duration.AsDuration(); got != test.want {
			t.Errorf("Duration(%q).AsDuration() = %v, want %v", test.duration, got, test.want)
		}
	}
}

func FuzzDuration(f *testing.F) {
	pattern := regexp.MustCompile(durationPattern)
	for _, seed := range []string{
		"5s", "1h30m", "250ms", "00001s", "0ms", "99999h99999m99999s99999ms", "1h1h1h1h1h", "-1s", "1.5s", "1us", "ms", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Duration(s).AsDuration()
		if len(s) > maxDuration || !pattern.MatchString(s) {
			return
		}
		want, err := time.ParseDuration(s)
		if err != nil || got != want || got < 0 {
			t.Errorf("the schema takes %q, and AsDuration returns %v; want %v, %v", s, got, want, err)
		}
	})
}
